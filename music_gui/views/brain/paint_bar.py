"""How the painted column is coloured: map, range, threshold; and its export."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QPixmap, QResizeEvent, QStandardItemModel
from PySide6.QtWidgets import QBoxLayout, QComboBox, QHBoxLayout, QWidget

from music_gui.core.errors import InputError
from music_gui.state.painted_values import p_level, painted_values
from music_gui.state.psc_column import P_THRESHOLDS, PscColumn, RangeMode, ThresholdMode
from music_gui.state.session import Session
from music_gui.views.brain.psc_text import format_value
from music_gui.views.widgets import palette
from music_gui.views.widgets.elided_label import ElidedLabel
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icon_button import IconButton
from music_gui.views.widgets.number_edit import NumberEdit

_GRADIENT = QSize(56, 12)

#: Narrower than this, the threshold stands under the range.
_ONE_ROW_FROM = 660

_RANGES: dict[RangeMode, str] = {
    "auto": "Auto range",
    "min-max": "Min to max",
    "robust": "Robust: 2 to 98 %",
    "symmetric": "Symmetric",
    "own": "Own range",
}
_THRESHOLDS: dict[ThresholdMode, str] = {
    "none": "No threshold",
    "value": "Value at least",
    "nominal": "Nominal",
    "scale": "Bonferroni, scale",
    "atlas": "Bonferroni, all scales",
    "genome-wide": "Genome-wide",
    "top": "Top 10 %",
}


class PaintBar(QWidget):
    """Changes the style of the painted column; without one, takes no place.

    Parameters
    ----------
    session : Session
        The painted column of its scene is restyled.

    Signals
    -------
    export_wanted()
        The user wants to save the figure with its data.
    """

    export_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._scene = session, session.scene
        self.color_map = self._combo("Colour map", self._choose_map)
        self.color_map.setIconSize(_GRADIENT)
        self.color_map.setFixedWidth(_GRADIENT.width() + 40)
        self.color_map.view().setMinimumWidth(290)
        self.range = self._combo(
            "Which values the first and last colour stand for", self._set_range
        )
        self.limits = tuple(
            NumberEdit(f"Value of the {which} colour", format_value) for which in ("first", "last")
        )
        self.threshold = self._combo("PSCs that do not pass are grey", self._set_threshold)
        self.value = NumberEdit("PSCs with smaller values are grey", format_value)
        self.notes = ElidedLabel(color="warning")
        for edit in self.limits:
            edit.entered.connect(self._set_limits)
        self.value.entered.connect(lambda number: self._restyle(threshold_value=number))
        self._rows = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._rows.addLayout(_row(self.color_map, self.range, *self.limits))
        self._rows.addLayout(_row(self.threshold, self.value))
        self._rows.addStretch(1)
        self._rows.setSpacing(4)
        buttons = _row(
            IconButton("mdi6.file-export-outline", "Export the figure with its data…",
                       self.export_wanted.emit),
            IconButton("mdi6.close", "Paint nothing: each PSC has its own colour",
                       lambda: session.paint(None)),
        )  # fmt: skip
        top = QHBoxLayout()
        top.addLayout(self._rows, 1)
        top.addLayout(buttons)
        layout = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        layout.setContentsMargins(8, 0, 8, 4)
        layout.setSpacing(3)
        layout.addLayout(top)
        layout.addWidget(self.notes)
        events = self._scene.events
        for changed in (events.painted, events.scale, events.atlas):
            follow(self, changed, self._show)
        self._show()

    def _combo(self, name: str, call: Any) -> QComboBox:
        combo = QComboBox()
        combo.setAccessibleName(name)
        combo.setToolTip(name)
        combo.activated.connect(lambda index: call(combo.itemData(index)))
        return combo

    def minimumSizeHint(self) -> QSize:
        """Return the room that two rows need."""
        return QSize(300, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put everything into one row where there is place for it."""
        super().resizeEvent(event)
        is_wide = self.width() >= _ONE_ROW_FROM
        self._rows.setDirection(
            QBoxLayout.Direction.LeftToRight if is_wide else QBoxLayout.Direction.TopToBottom
        )

    # -- from the user to the state --------------------------------------------------------

    def _restyle(self, **changes: Any) -> bool:
        try:
            self._session.painting.restyle(**changes)
        except InputError:
            return False
        return True

    def _choose_map(self, name: str) -> None:
        self._restyle(color_map=name)

    def _set_range(self, mode: RangeMode) -> None:
        painted = painted_values(self._scene)
        own = {"low": painted.low, "high": painted.high} if mode == "own" and painted else {}
        self._restyle(range_mode=mode, **own)

    def _set_limits(self) -> None:
        """Take both limits; they are marked if they are no range."""
        low, high = (edit.number for edit in self.limits)
        if not self._restyle(range_mode="own", low=low, high=high):
            for edit in self.limits:
                edit.mark(invalid=True)

    def _set_threshold(self, mode: ThresholdMode) -> None:
        painted = painted_values(self._scene)
        start = {}
        if mode == "value" and painted is not None and painted.n_values:
            sizes = np.abs(painted.values) if painted.column.kind == "diverging" else painted.values
            start = {"threshold_value": float(np.nanmedian(sizes))}
        self._restyle(threshold=mode, **start)

    # -- from the state to the controls ----------------------------------------------------

    def _show(self, *_: Any) -> None:
        column, painted = self._scene.painted, painted_values(self._scene)
        self.setVisible(painted is not None)
        if column is None or painted is None:
            return
        self._show_maps(column)
        _fill(self.range, _RANGES, column.style.range_mode)
        for edit, limit in zip(self.limits, (painted.low, painted.high), strict=True):
            edit.show_number(limit)
        self._show_thresholds(column)
        self.value.setVisible(column.style.threshold == "value")
        self.value.show_number(column.style.threshold_value)
        self.notes.setText("; ".join(column.notes))
        self.notes.setVisible(bool(column.notes))

    def _show_maps(self, column: PscColumn) -> None:
        """Offer the maps of the column's kind first, then the others."""
        other = "diverging" if column.kind == "sequential" else "sequential"
        maps = {**palette.COLOR_MAPS[column.kind], **palette.COLOR_MAPS[other]}
        chosen = column.style.color_map or next(iter(palette.COLOR_MAPS[column.kind]))
        if list(maps) != [self.color_map.itemData(at) for at in range(self.color_map.count())]:
            _fill(self.color_map, maps, chosen)
            for at, name in enumerate(maps):
                self.color_map.setItemIcon(at, _gradient(name))
        with QSignalBlocker(self.color_map):
            self.color_map.setCurrentIndex(self.color_map.findData(chosen))

    def _show_thresholds(self, column: PscColumn) -> None:
        """Say what each level is at this scale; those of p need p-values."""
        atlas, scale = self._scene.atlas, self._scene.scale
        texts: dict[ThresholdMode, str] = dict(_THRESHOLDS)
        for mode in P_THRESHOLDS if atlas is not None and scale is not None else ():
            level = p_level(mode, atlas, scale)
            if level is not None:
                divided = f" / {level.n_tests}" if level.n_tests > 1 else ""
                texts[mode] += f": p < {level.alpha:g}{divided}"
        _fill(self.threshold, texts, column.style.threshold)
        model = self.threshold.model()
        for at, mode in enumerate(texts):
            if mode in P_THRESHOLDS and isinstance(model, QStandardItemModel):
                has_p = column.neg_log_10_p is not None
                model.item(at).setEnabled(has_p)
                why = "" if has_p else "This column has no p-values: Paint… can choose some"
                model.item(at).setToolTip(why)


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(4)
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch(1)
    return row


def _fill(combo: QComboBox, texts: dict[Any, str], chosen: Any) -> None:
    """Put texts into a combo box unless they are there, without its telling the state."""
    with QSignalBlocker(combo):
        if [combo.itemText(at) for at in range(combo.count())] != list(texts.values()):
            combo.clear()
            for data, text in texts.items():
                combo.addItem(text, data)
        combo.setCurrentIndex(list(texts).index(chosen))


def _gradient(name: str) -> QIcon:
    colors = np.ascontiguousarray(palette.color_map(name)[None])
    image = QImage(colors.data, 256, 1, 768, QImage.Format.Format_RGB888)
    scaled = image.scaled(_GRADIENT, Qt.AspectRatioMode.IgnoreAspectRatio)
    return QIcon(QPixmap.fromImage(scaled))

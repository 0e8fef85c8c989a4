"""The map that is shown over the template: its name, colours and range, and how to hide it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSizePolicy, QSlider, QVBoxLayout, QWidget

from music_gui.state.brain_scene import SliceImage
from music_gui.state.session import Session
from music_gui.views.brain.psc_text import format_value
from music_gui.views.widgets import palette
from music_gui.views.widgets.elided_label import ElidedLabel
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icon_button import IconButton
from music_gui.views.widgets.number_edit import read_number

_BAR_HEIGHT = 8


class MapBar(QWidget):
    """Shows which map lies over the template; without one, takes no place.

    Parameters
    ----------
    session : Session
        The map of its scene is shown, changed and hidden.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._scene = session, session.scene
        self.name = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle)
        self.warning = ElidedLabel(color="warning")
        self.eye = IconButton("mdi6.eye-outline", "Show the map", self._toggle)
        self.eye.setCheckable(True)
        self.close_button = IconButton(
            "mdi6.close", "Hide the map (Ctrl+Shift+M)", session.hide_map
        )
        self.use_button = IconButton(
            "mdi6.arrow-collapse-down",
            "Use it as the template under the slices",
            session.use_map_as_template,
        )
        self.opacity = QSlider(Qt.Orientation.Horizontal, minimum=0, maximum=100, pageStep=10)
        self.opacity.setAccessibleName("Opacity of the map")
        self.opacity.setToolTip("Opacity of the map")
        self.opacity.setFixedWidth(70)
        self.opacity.valueChanged.connect(self._set_opacity)
        self.limits = tuple(
            self._limit_edit(f"Value of the map's {which} colour{more}")
            for which, more in (("first", "; lower ones are not drawn"), ("last", ""))
        )
        head, range_row = QHBoxLayout(), QHBoxLayout()
        for widget in (self.eye, self.name, self.opacity, self.use_button, self.close_button):
            head.addWidget(widget)
        for widget in (self.limits[0], _Gradient(), self.limits[1]):
            range_row.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 2)
        layout.setSpacing(3)
        layout.addLayout(head)
        layout.addWidget(self.warning)
        layout.addLayout(range_row)
        events = self._scene.events
        follow(self, events.overlay, self._on_overlay)
        for changed in (events.overlay_visible, events.overlay_opacity, events.overlay_range):
            follow(self, changed, self._show_controls)
        self._on_overlay(self._scene.overlay)

    def _limit_edit(self, tip: str) -> QLineEdit:
        edit = QLineEdit()
        edit.setAccessibleName(tip)
        edit.setToolTip(tip)
        edit.setFixedWidth(58)
        edit.editingFinished.connect(self._set_range)
        return edit

    # -- following the state ---------------------------------------------------------------

    def _on_overlay(self, overlay: SliceImage | None) -> None:
        self.setVisible(overlay is not None)
        if overlay is not None:
            self.name.setText(overlay.name)
            self.warning.setText("; ".join(overlay.warnings))
            self.warning.setVisible(bool(overlay.warnings))
            self._show_controls()

    def _show_controls(self) -> None:
        self.eye.setChecked(self._scene.overlay_visible)
        with QSignalBlocker(self.opacity):
            self.opacity.setValue(round(self._scene.overlay_opacity * 100))
        for edit, value in zip(self.limits, self._scene.overlay_range, strict=True):
            edit.setText(format_value(value))
            edit.setCursorPosition(0)
            _mark(edit, invalid=False)

    # -- changing it -----------------------------------------------------------------------

    def _toggle(self) -> None:
        self._scene.overlay_visible = self.eye.isChecked()

    def _set_opacity(self, percent: int) -> None:
        self._scene.overlay_opacity = percent / 100

    def _set_range(self) -> None:
        """Take both limits; the one just written is marked if they are no range."""
        before = self._scene.overlay_range
        low, high = (
            value if edit.text() == format_value(value) else read_number(edit.text())
            for edit, value in zip(self.limits, before, strict=True)
        )
        if low < high:
            self._scene.overlay_range = (low, high)
            self._show_controls()
            return
        for edit, value in zip(self.limits, before, strict=True):
            _mark(edit, invalid=edit.text() != format_value(value))


class _Gradient(QWidget):
    """The colours of the map from low to high."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def sizeHint(self) -> QSize:
        """Return a bar's height."""
        return QSize(80, _BAR_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the colours."""
        colors = np.ascontiguousarray(palette.color_map("image")[None])
        image = QImage(colors.data, 256, 1, 768, QImage.Format.Format_RGB888)
        QPainter(self).drawImage(self.rect(), image)


def _mark(edit: QLineEdit, *, invalid: bool) -> None:
    if edit.property("invalid") != invalid:
        edit.setProperty("invalid", invalid)
        edit.style().polish(edit)

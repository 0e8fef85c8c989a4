"""Choose the fit that is shown in a slot; the line beside it is how its curves are drawn."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QWidget

from music_gui.state.convergence import NEWEST, ConvergenceState
from music_gui.views.convergence.curve_plots import curve_pen
from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow

SLOTS = ("A", "B")


def slot_color(slot: int) -> QColor:
    """Return the colour of a slot's curves in the present theme."""
    theme = palette.current()
    return QColor(theme.accent if slot == 0 else theme.highlight)


class RunChooser(QWidget):
    """A line like the curves, a letter and a box of all fits.

    Parameters
    ----------
    state : ConvergenceState
        Its choice in the slot is shown and changed.
    slot : int
        0 or 1; the second may be empty.
    """

    def __init__(self, state: ConvergenceState, slot: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._slot = state, slot
        self.box = QComboBox()
        self.box.setAccessibleName(f"Fit {SLOTS[slot]}")
        self.box.setToolTip(
            "The fit that is shown" if slot == 0 else "The fit that it is compared with"
        )
        self.box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.box.setMinimumContentsLength(5)
        self.box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.box.activated.connect(self._on_chosen)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(_Line(slot))
        layout.addWidget(self.box, 1)
        follow(self, state.choices_changed, self._fill)
        self._fill()

    def _fill(self) -> None:
        choices: list[tuple[str | None, str]] = [
            (each.key, each.title) for each in self._state.choices
        ]
        if self._slot == 0:
            choices = [(NEWEST, self._newest()), *choices]
        else:
            choices = [(None, "none"), *choices]
        shown = [
            (self.box.itemData(row), self.box.itemText(row)) for row in range(self.box.count())
        ]
        with QSignalBlocker(self.box):
            if choices != shown:
                self.box.clear()
                for key, title in choices:
                    self.box.addItem(title, key)
            place = self.box.findData(self._state.chosen(self._slot))
            self.box.setCurrentIndex(max(place, 0))

    def _newest(self) -> str:
        title = self._state.newest_title
        return f"Newest: {title}" if title else "Newest fit"

    def _on_chosen(self, row: int) -> None:
        self._state.choose(self._slot, self.box.itemData(row))


class _Line(QWidget):
    """The letter of a slot and a piece of its curve."""

    def __init__(self, slot: int) -> None:
        super().__init__()
        self._slot = slot
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        follow(self, palette.theme_changed, lambda _: self.update())

    def sizeHint(self) -> QSize:
        """Return the size of a letter and a short line."""
        return QSize(40, 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw both in the slot's colour."""
        painter = QPainter(self)
        painter.setPen(QColor(palette.current().muted))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, SLOTS[self._slot])
        pen = curve_pen(slot_color(self._slot), dashed=self._slot == 1)
        pen.setWidth(2)
        painter.setPen(pen)
        middle = self.height() // 2
        painter.drawLine(14, middle, self.width() - 2, middle)

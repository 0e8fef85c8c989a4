"""A short field for a number, written as tables write it."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget


class NumberEdit(QLineEdit):
    """A field for one number; what is no number is marked and not told.

    Parameters
    ----------
    tip : str
        What the number is: tooltip and name for screen readers.
    write : callable
        Returns the text of a number.

    Signals
    -------
    entered(number)
        The user has written another number.
    """

    entered = Signal(float)

    def __init__(
        self, tip: str, write: Callable[[float], str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._write = write
        self._number = math.nan
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setFixedWidth(58)
        self.editingFinished.connect(self._on_finished)

    @property
    def number(self) -> float:
        """What was shown or entered last."""
        return self._number

    def show_number(self, number: float) -> None:
        """Show a number without telling anyone."""
        self._number = number
        self.setText(self._write(number))
        self.setCursorPosition(0)
        self.mark(invalid=False)

    def mark(self, *, invalid: bool) -> None:
        """Show whether what is written can't be used."""
        if bool(self.property("invalid")) != invalid:
            self.setProperty("invalid", invalid)
            self.style().polish(self)

    def _on_finished(self) -> None:
        if self.text() == self._write(self._number):
            self.mark(invalid=False)
            return
        number = read_number(self.text())
        self.mark(invalid=math.isnan(number))
        if not math.isnan(number):
            self._number = number
            self.entered.emit(number)


def read_number(text: str) -> float:
    """Read a number as it is written here or by hand; NaN if it is none or not finite."""
    plain = text.replace("\N{MINUS SIGN}", "-").replace("\u202f", "").replace(",", ".")
    try:
        value = float(plain)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan

"""The buttons of the convergence panel: axes, opening and saving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from music_gui.views.widgets.icon_button import IconButton
from music_gui.views.widgets.simulated_badge import SimulatedBadge

if TYPE_CHECKING:
    from music_gui.state.session import Session

#: File name endings, and what the menu says.
_FORMATS = {"png": "Picture (PNG)…", "svg": "Drawing (SVG)…", "tsv": "Table (TSV)…"}


class ConvergenceTools(QWidget):
    """Switches that are remembered, and buttons.

    Parameters
    ----------
    session : Session
        Its settings are changed.

    Signals
    -------
    switched()
        Axes or losses are to be drawn in another way.
    whole_wanted()
        All epochs are to be seen.
    open_wanted()
        The user wants to open a log.
    save_wanted(format)
        The user wants to save as ``png``, ``svg`` or ``tsv``.
    """

    switched = Signal()
    whole_wanted = Signal()
    open_wanted = Signal()
    save_wanted = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = session.settings
        self.log_loss = self._switch("mdi6.math-log", "Logarithmic loss", "convergence_log_loss")
        self.log_epochs = self._switch(
            "mdi6.arrow-expand-horizontal", "Logarithmic epochs", "convergence_log_epochs"
        )
        self.shares = self._switch(
            "mdi6.percent-outline",
            "Losses as shares of that of the first epoch",
            "convergence_shares",
        )
        whole = IconButton("mdi6.magnify-minus-outline", "Show all epochs", self.whole_wanted.emit)
        self.open = IconButton(
            "mdi6.folder-open-outline",
            "Open the log of a fit, ours or the reference package's (or drop it here)",
            self.open_wanted.emit,
        )
        self.save = self._save_button()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for button in (self.log_loss, self.log_epochs, self.shares, whole, self.open, self.save):
            layout.addWidget(button)
        layout.addStretch(1)
        layout.addWidget(SimulatedBadge(session))

    def _switch(self, icon: str, tip: str, setting: str) -> IconButton:
        def on_click() -> None:
            setattr(self._settings, setting, button.isChecked())
            self.switched.emit()

        button = IconButton(icon, tip, on_click)
        button.setCheckable(True)
        button.setChecked(getattr(self._settings, setting))
        return button

    def _save_button(self) -> IconButton:
        button = IconButton("mdi6.export-variant", "Save picture or table", lambda: None)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        for name, text in _FORMATS.items():
            action = menu.addAction(text)
            action.triggered.connect(lambda _=False, name=name: self.save_wanted.emit(name))
        button.setMenu(menu)
        return button

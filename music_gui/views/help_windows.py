"""The guide, the list of keys, and what the application is."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, metadata

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QMessageBox, QTextBrowser, QVBoxLayout, QWidget

from music_gui import __version__


class GuideWindow(QDialog):
    """The README, as it came with the installation."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Guide")
        browser = QTextBrowser(openExternalLinks=True)
        browser.setMarkdown(_readme())
        browser.setContentsMargins(16, 12, 16, 12)
        layout = QVBoxLayout(self)
        layout.addWidget(browser)
        self.resize(820, 640)


class KeyboardMap(QDialog):
    """All shortcuts.

    Parameters
    ----------
    actions : sequence of QAction
        Those that have one.
    """

    def __init__(self, actions: Sequence[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keyboard")
        rows = "".join(
            f"<tr><td><b>{_keys(action)}</b></td><td style='padding-left: 24px'>"
            f"{action.text().replace('&', '').rstrip('…')}</td></tr>"
            for action in actions
        )
        browser = QTextBrowser()
        browser.setHtml(f"<table cellpadding='4'>{rows}</table>")
        layout = QVBoxLayout(self)
        layout.addWidget(browser)
        self.resize(460, 620)


def about(parent: QWidget) -> QMessageBox:
    """Return the box that says what the application is."""
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle("About MuSIC GUI")
    box.setIconPixmap(parent.windowIcon().pixmap(72, 72))
    box.setText(f"<h3>MuSIC GUI {__version__}</h3>")
    box.setInformativeText(
        "Multi-scale structural imaging covariance: stochastic orthogonally projective "
        "non-negative matrix factorisation of grey-matter maps, the genetics of its patterns, "
        "and SPARE scores.<br><br>For research only, not for diagnosis. Licence: BSD-3-Clause."
    )
    return box


def _keys(action: QAction) -> str:
    return action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)


def _readme() -> str:
    try:
        text = metadata("music-gui").get_payload()  # type: ignore[attr-defined]
    except PackageNotFoundError:
        text = ""
    return str(text or "The guide did not come with this installation.")

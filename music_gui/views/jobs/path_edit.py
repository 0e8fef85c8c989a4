"""Line edits for files and folders: typed, chosen or dropped."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from music_gui.views.widgets.icon_button import IconButton


def dropped_paths(data: QMimeData) -> list[str]:
    """Return the local files and folders that are dragged."""
    return [url.toLocalFile() for url in data.urls() if url.isLocalFile()]


class PathEdit(QWidget):
    """One file or folder."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self.line = QLineEdit(placeholderText="type, choose or drop a file or folder")
        self.line.setAcceptDrops(False)  # the widget's own drop takes the path, not the address
        self.line.textChanged.connect(lambda: self.changed.emit())
        self.setFocusProxy(self.line)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.line, 1)
        layout.addWidget(IconButton("mdi6.file-outline", "Choose a file", self._choose_file))
        layout.addWidget(IconButton("mdi6.folder-outline", "Choose a folder", self._choose_folder))

    @property
    def path(self) -> str | None:
        """What is entered, as an absolute path; None for nothing."""
        text = self.line.text().strip()
        return str(Path(text).expanduser().absolute()) if text else None

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Choose a file", self._start_folder())
        if path:
            self.line.setText(path)

    def _choose_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Choose a folder", self._start_folder())
        if path:
            self.line.setText(path)

    def _start_folder(self) -> str:
        text = self.line.text().strip()
        return str(Path(text).parent) if text else ""

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept one file or folder."""
        if len(dropped_paths(event.mimeData())) == 1:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take the dropped file or folder."""
        self.line.setText(dropped_paths(event.mimeData())[0])
        event.acceptProposedAction()


class PathsEdit(QWidget):
    """Several files or folders, one a line."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self.text = QPlainTextEdit(placeholderText="one a line; type, choose or drop files")
        self.text.setAcceptDrops(False)
        self.text.setTabChangesFocus(True)
        self.text.setFixedHeight(66)
        self.text.textChanged.connect(self.changed)
        self.setFocusProxy(self.text)
        buttons = QVBoxLayout()
        buttons.addWidget(IconButton("mdi6.file-multiple-outline", "Add files", self._add_files))
        buttons.addStretch(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.text, 1)
        layout.addLayout(buttons)

    @property
    def paths(self) -> list[str]:
        """What is entered, as absolute paths."""
        lines = (line.strip() for line in self.text.toPlainText().splitlines())
        return [str(Path(line).expanduser().absolute()) for line in lines if line]

    def add(self, paths: list[str]) -> None:
        """Add files to those that are entered."""
        self.text.setPlainText("\n".join(dict.fromkeys([*self.paths, *paths])))

    def _add_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Choose files")
        self.add(paths)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and folders."""
        if dropped_paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Add the dropped files and folders."""
        self.add(dropped_paths(event.mimeData()))
        event.acceptProposedAction()

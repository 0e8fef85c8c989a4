"""Asks where a new study shall stand, and what it is called."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from music_gui.views.widgets.colored_label import ColoredLabel
from music_gui.views.widgets.icon_button import IconButton


class StudyFolderDialog(QDialog):
    """Name and folder of a new study.

    Parameters
    ----------
    title, text : str
        What it is for.
    button : str
        What accepting does.
    place : Path
        Folder that is offered for the study; its last part follows the name.
    name : str
        Offered name.

    Signals
    -------
    chosen(root, name)
        The study's folder and name; the folder is new or empty.
    """

    chosen = Signal(Path, str)

    def __init__(
        self,
        title: str,
        text: str,
        button: str,
        place: Path,
        name: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.name = QLineEdit(name)
        self.folder = QLineEdit(str(place))
        self.name.textEdited.connect(self._follow_name)
        self.folder.textChanged.connect(lambda: self._check())
        browse = IconButton("mdi6.folder-outline", "Choose where the folder is made", self._browse)
        row = QHBoxLayout()
        row.addWidget(self.folder, 1)
        row.addWidget(browse)
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(10)
        form.addRow("&Name", self.name)
        label = QLabel("&Folder")
        label.setBuddy(self.folder)
        form.addRow(label, row)
        explanation = ColoredLabel(text)
        explanation.setWordWrap(True)
        self.problem = ColoredLabel(color="bad")
        self.problem.setWordWrap(True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.accept_button = self.buttons.addButton(button, QDialogButtonBox.ButtonRole.AcceptRole)
        self.accept_button.setDefault(True)
        self.buttons.accepted.connect(self._on_accepted)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(22, 18, 22, 16)
        layout.setSpacing(12)
        layout.addWidget(ColoredLabel(title, "text", "font-size: 14pt; font-weight: 600"))
        layout.addWidget(explanation)
        layout.addLayout(form)
        layout.addWidget(self.problem)
        layout.addStretch(1)
        layout.addWidget(self.buttons)
        self.resize(560, 260)
        self.name.selectAll()
        self._check()

    def _follow_name(self, name: str) -> None:
        """Let the folder's last part follow the name, without characters that shells dislike."""
        kept = "".join(each if each.isalnum() or each in "._-" else "-" for each in name.strip())
        self.folder.setText(str(Path(self.folder.text()).parent / kept))

    def _browse(self) -> None:
        parent = QFileDialog.getExistingDirectory(
            self, "Make the study's folder in", str(Path(self.folder.text()).parent)
        )
        if parent:
            self.folder.setText(str(Path(parent) / Path(self.folder.text()).name))

    def _root(self) -> Path:
        return Path(self.folder.text()).expanduser().absolute()

    def _check(self) -> None:
        root, problem = self._root(), ""
        if not self.folder.text().strip():
            problem = "Give a folder"
        elif root.is_file():
            problem = "There is a file of this name"
        elif root.is_dir() and any(root.iterdir()):
            problem = "This folder holds something already: choose another name"
        self.problem.setText(problem)
        self.accept_button.setEnabled(not problem)

    def _on_accepted(self) -> None:
        self.chosen.emit(self._root(), self.name.text().strip())
        self.accept()

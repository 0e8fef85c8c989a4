"""Says that the program has a fault, with a report that holds nothing of the subjects."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from music_gui.views.widgets.colored_label import ColoredLabel


class CrashDialog(QDialog):
    """The crash dialog.

    Parameters
    ----------
    report : str
        Where in the program it happened, with versions; no data, no file names of the user.
    """

    def __init__(self, report: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.report = report
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("A fault of the program")
        explanation = ColoredLabel(
            "What you did last may be undone, but the study is safe: results are saved as they "
            "are made, and running jobs go on. You can go on working; if things look odd, start "
            "the application again. The report below tells the developers where it happened. It "
            "holds no data and no names of files or subjects.",
        )
        explanation.setWordWrap(True)
        text = QPlainTextEdit(report, readOnly=True)
        text.setAccessibleName("Report")
        text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy report", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(report))
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(22, 18, 22, 16)
        layout.setSpacing(12)
        layout.addWidget(
            ColoredLabel(
                "The program met a fault of its own", "text", "font-size: 14pt; font-weight: 600"
            )
        )
        layout.addWidget(explanation)
        layout.addWidget(text, 1)
        layout.addWidget(buttons)
        self.resize(680, 460)

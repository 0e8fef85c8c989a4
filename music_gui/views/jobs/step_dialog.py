"""The dialog of a step, made from its parameters: fill in, see what is wrong, run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from music_gui.state.missing_answers import missing_answers
from music_gui.state.suggestions import suggestions
from music_gui.views.jobs.field_editors import FieldEditor, make_editor
from music_gui.views.widgets.colored_label import ColoredLabel
from music_gui.views.widgets.follow import follow

if TYPE_CHECKING:
    from music_gui.state.session import Session
    from music_gui.state.step_form import StepForm
    from music_gui.steps.arguments import ParameterDescription

_LABEL_WIDTH = 170


class StepDialog(QDialog):
    """Asks for a step's parameters and submits the job.

    Parameters
    ----------
    form : StepForm
        What is asked.
    session : Session
        Is asked to run the job; remembers the answers.
    values : dict
        Answers to start with, over those remembered.
    """

    def __init__(
        self,
        form: StepForm,
        session: Session,
        values: dict[str, Any] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(form.title)
        self._form = form
        self._session = session
        self._touched: set[str] = set()
        self.editors: dict[str, FieldEditor] = {}
        self.errors: dict[str, QLabel] = {}
        self._labels = {field.name: label_of(field) for field in form.fields}
        self._wrong = ColoredLabel(color="bad")
        self._wrong.setWordWrap(True)
        self.run = QPushButton("Run")
        self.run.setDefault(True)
        self.run.clicked.connect(self._on_run)
        self._lay_out()
        self.enter(self._defaults() | self._remembered() | (values or {}))
        self._touched.clear()
        self._check()
        follow(self, session.spare.events.model, lambda _: self._check())

    # -- layout ----------------------------------------------------------------------------

    def _lay_out(self) -> None:
        page = QWidget()
        grid = QGridLayout(page)
        grid.setContentsMargins(22, 10, 18, 14)
        grid.setColumnMinimumWidth(0, _LABEL_WIDTH)
        grid.setColumnStretch(1, 1)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(14)
        for row, field in enumerate(self._form.fields):
            self._add_field(grid, row, field)
        grid.setRowStretch(len(self._form.fields), 1)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(page)
        reset = QPushButton("Defaults", autoDefault=False)
        reset.clicked.connect(lambda: self.enter(self._defaults()))
        reset.setToolTip("Enter the default of every parameter")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton(self.run, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        foot = QHBoxLayout()
        foot.setContentsMargins(22, 12, 22, 16)
        foot.addWidget(reset)
        foot.addSpacing(8)
        foot.addWidget(self._wrong, 1)
        foot.addWidget(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._head())
        layout.addWidget(scroll, 1)
        layout.addLayout(foot)
        self.resize(680, min(page.sizeHint().height() + 150, 720))

    def _head(self) -> QVBoxLayout:
        help_text = ColoredLabel(self._form.help)
        help_text.setWordWrap(True)
        head = QVBoxLayout()
        head.setContentsMargins(22, 18, 22, 8)
        head.setSpacing(4)
        head.addWidget(ColoredLabel(self._form.title, "text", "font-size: 14pt; font-weight: 600"))
        head.addWidget(help_text)
        return head

    def _add_field(self, grid: QGridLayout, row: int, field: ParameterDescription) -> None:
        editor = make_editor(field, suggestions(field.name, self._session))
        editor.widget.setAccessibleName(self._labels[field.name])
        editor.widget.setAccessibleDescription(field.help)
        editor.on_change(lambda: self._on_changed(field.name))
        unit = f" ({field.unit})" if field.unit and field.type != "integer" else ""
        label = QLabel(self._labels[field.name] + unit)
        label.setWordWrap(True)
        label.setBuddy(editor.widget)
        label.setContentsMargins(0, 0 if field.type == "yes/no" else 4, 0, 0)
        error = ColoredLabel(color="bad")
        error.setWordWrap(True)
        error.hide()
        help_text = ColoredLabel(field.help, style="font-size: 8.5pt")
        help_text.setWordWrap(True)
        column = QVBoxLayout()
        column.setSpacing(3)
        if field.type == "yes/no":
            line = QHBoxLayout()
            line.addWidget(editor.widget)
            line.addWidget(help_text, 1)
            column.addLayout(line)
        else:
            column.addWidget(editor.widget)
            column.addWidget(error)
            column.addWidget(help_text)
        grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
        grid.addLayout(column, row, 1)
        self.editors[field.name] = editor
        self.errors[field.name] = error

    # -- answers ---------------------------------------------------------------------------

    def _defaults(self) -> dict[str, Any]:
        return {field.name: field.default for field in self._form.fields}

    def _remembered(self) -> dict[str, Any]:
        """Return what was answered last time, as far as it still fits."""
        remembered = self._form.to_remember(
            self._session.settings.step_values.get(self._form.step, {})
        )
        known = {name: value for name, value in remembered.items() if name in self._labels}
        wrong = self._form.check(known)
        return {name: value for name, value in known.items() if name not in wrong}

    def enter(self, values: dict[str, Any]) -> None:
        """Enter answers."""
        for name, value in values.items():
            self.editors[name].set_value(value)

    def answers(self) -> dict[str, Any]:
        """Return what is entered, without the parameters that are left to their default."""
        entered = {name: editor.value() for name, editor in self.editors.items()}
        return {
            field.name: entered[field.name]
            for field in self._form.fields
            if entered[field.name] is not None and entered[field.name] != field.default
        }

    def _on_changed(self, name: str) -> None:
        self._touched.add(name)
        self._check()

    def _check(self) -> None:
        """Say beside each field what is wrong with it, and keep the job from running."""
        answers = self.answers()
        missing = missing_answers(self._form.step, answers, self._session)
        wrong = missing | self._form.check(answers)
        for name, label in self.errors.items():
            shown = name in missing or (name in wrong and name in self._touched)
            label.setText(wrong.get(name, ""))
            label.setVisible(shown)
            self.editors[name].set_invalid(shown)
        named = [self._labels[name] for name in wrong if name]
        self._wrong.setText(wrong.get("") or (f"Look at: {', '.join(named)}" if named else ""))
        self.run.setEnabled(not wrong)

    def _on_run(self) -> None:
        parameters = self._form.job_parameters(self.answers())
        settings = self._session.settings
        answered = self._form.to_remember(parameters)
        settings.step_values = settings.step_values | {self._form.step: answered}
        self._session.submit(self._form.step, parameters, title=self._form.title)
        self.accept()


_ABBREVIATIONS = {
    "psc": "PSC",
    "pscs": "PSCs",
    "icv": "ICV",
    "gwas": "GWAS",
    "id": "ID",
    "maf": "MAF",
    "vif": "VIF",
    "spare": "SPARE",
    "ravens": "RAVENS",
    "plink": "PLINK",
    "c": "C",
}


def label_of(field: ParameterDescription) -> str:
    """Return a parameter's name as a label: ``min_site_size`` is ``Min site size``."""
    words = [_ABBREVIATIONS.get(word, word) for word in field.name.split("_")]
    return words[0][:1].upper() + words[0][1:] + "".join(f" {word}" for word in words[1:])

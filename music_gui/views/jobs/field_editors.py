"""An editor for each type of parameter, made from the parameter's description."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QCompleter,
    QHBoxLayout,
    QLineEdit,
    QSpinBox,
    QWidget,
)

from music_gui.steps.arguments import ParameterDescription
from music_gui.views.jobs.path_edit import PathEdit, PathsEdit

_INT_MAX = 2**31 - 1


@dataclass(frozen=True)
class FieldEditor:
    """What a user fills in for one parameter.

    Parameters
    ----------
    widget : QWidget
        Goes into the dialog.
    marked : QWidget
        The part whose frame tells that the value is wrong.
    value : callable
        Returns what is entered, ready for the step's model; None for nothing.
    set_value : callable
        Enters a value.
    on_change : callable
        ``on_change(callback)`` calls back after each change.
    """

    widget: QWidget
    marked: QWidget
    value: Callable[[], Any]
    set_value: Callable[[Any], None]
    on_change: Callable[[Callable[[], None]], None]

    def set_invalid(self, invalid: bool) -> None:
        """Mark the value as wrong or right."""
        if self.marked.property("invalid") != invalid:
            self.marked.setProperty("invalid", invalid)
            self.marked.style().unpolish(self.marked)
            self.marked.style().polish(self.marked)


def make_editor(field: ParameterDescription, suggestions: Sequence[str] = ()) -> FieldEditor:
    """Make the editor that suits a parameter.

    Parameters
    ----------
    field : ParameterDescription
        What is asked.
    suggestions : sequence of str
        What the study offers as an answer; others can still be typed.
    """
    if field.type == "path":
        return _paths_editor() if field.many else _path_editor()
    if field.many:
        return _choices_editor(field) if field.choices else _list_editor(field, suggestions)
    if field.choices:
        return _choice_editor(field)
    if field.type == "yes/no":
        return _switch_editor()
    if field.type == "integer" and field.default is not None:
        return _integer_editor(field)
    return _text_editor(field, suggestions)


def _switch_editor() -> FieldEditor:
    box = QCheckBox()
    return FieldEditor(
        box, box, box.isChecked, lambda value: box.setChecked(bool(value)),
        lambda call: _connect(box.toggled, call),
    )  # fmt: skip


def _integer_editor(field: ParameterDescription) -> FieldEditor:
    box = QSpinBox(buttonSymbols=QAbstractSpinBox.ButtonSymbols.UpDownArrows)
    low = field.bounds.get("ge", field.bounds.get("gt", -_INT_MAX) + 1)
    high = field.bounds.get("le", field.bounds.get("lt", _INT_MAX) - 1)
    box.setRange(int(max(low, -_INT_MAX)), int(min(high, _INT_MAX)))
    box.setGroupSeparatorShown(True)
    box.setSuffix(f" {field.unit}" if field.unit else "")
    box.setMaximumWidth(200)
    box.lineEdit().setTextMargins(4, 0, 0, 0)
    _ignore_wheel(box)
    return FieldEditor(
        box, box, box.value, lambda value: box.setValue(int(value)),
        lambda call: _connect(box.valueChanged, call),
    )  # fmt: skip


def _choice_editor(field: ParameterDescription) -> FieldEditor:
    box = QComboBox()
    nothing_allowed = field.default is None
    if nothing_allowed:
        box.addItem("", None)
    for choice in field.choices or ():
        box.addItem(choice or "not given", choice)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    _ignore_wheel(box)
    return FieldEditor(
        box, box, box.currentData, lambda value: box.setCurrentIndex(box.findData(value)),
        lambda call: _connect(box.currentIndexChanged, call),
    )  # fmt: skip


def _choices_editor(field: ParameterDescription) -> FieldEditor:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    boxes = {choice: QCheckBox(choice) for choice in field.choices or ()}
    for box in boxes.values():
        layout.addWidget(box)
    layout.addStretch(1)

    def set_value(value: Any) -> None:
        for choice, box in boxes.items():
            box.setChecked(choice in (value or ()))

    def on_change(call: Callable[[], None]) -> None:
        for box in boxes.values():
            _connect(box.toggled, call)

    return FieldEditor(
        row, row, lambda: [choice for choice, box in boxes.items() if box.isChecked()],
        set_value, on_change,
    )  # fmt: skip


def _text_editor(field: ParameterDescription, suggestions: Sequence[str]) -> FieldEditor:
    line, widget = _line(suggestions)
    line.setPlaceholderText(_placeholder(field))
    nothing = "" if field.default is not None and field.type == "text" else None

    def value() -> Any:
        text = line.text().strip()
        return _number(text, field.type) if text else nothing

    return FieldEditor(
        widget, widget if isinstance(widget, QComboBox) else line, value,
        lambda value: line.setText(_as_text(value)), lambda call: _connect(line.textChanged, call),
    )  # fmt: skip


def _list_editor(field: ParameterDescription, suggestions: Sequence[str]) -> FieldEditor:
    line = QLineEdit(placeholderText="separate several by commas")
    if suggestions:
        line.setToolTip("For example " + ", ".join(suggestions[:12]))

    def value() -> list[Any]:
        parts = (part.strip() for part in line.text().split(","))
        return [_number(part, field.type) for part in parts if part]

    return FieldEditor(
        line, line, value,
        lambda value: line.setText(", ".join(_as_text(each) for each in value or ())),
        lambda call: _connect(line.textChanged, call),
    )  # fmt: skip


def _path_editor() -> FieldEditor:
    edit = PathEdit()
    return FieldEditor(
        widget=edit,
        marked=edit.line,
        value=lambda: edit.path,
        set_value=lambda value: edit.line.setText(_as_text(value)),
        on_change=lambda call: _connect(edit.changed, call),
    )


def _paths_editor() -> FieldEditor:
    edit = PathsEdit()
    return FieldEditor(
        widget=edit,
        marked=edit.text,
        value=lambda: edit.paths,
        set_value=lambda value: edit.text.setPlainText("\n".join(map(_as_text, value or ()))),
        on_change=lambda call: _connect(edit.changed, call),
    )


def _line(suggestions: Sequence[str]) -> tuple[QLineEdit, QWidget]:
    """Return a line edit and the widget it stands in: a combo box if there are suggestions."""
    if not suggestions:
        line = QLineEdit()
        return line, line
    box = QComboBox(editable=True)
    box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    box.addItems(list(suggestions))
    box.completer().setFilterMode(Qt.MatchFlag.MatchContains)
    box.completer().setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
    _ignore_wheel(box)
    return box.lineEdit(), box


def _placeholder(field: ParameterDescription) -> str:
    if field.required:
        return "required"
    return "optional" if field.default in (None, "") else ""


def _number(text: str, kind: str) -> Any:
    """Read a number; what is none stays text, for the step's model to refuse in words."""
    try:
        return {"integer": int, "number": float}.get(kind, str)(text)
    except ValueError:
        return text


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    # All digits: what is written here is read again as the answer.
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _connect(signal: Any, call: Callable[[], None]) -> None:
    signal.connect(lambda *_: call())


class _WheelBlock(QObject):
    """Lets the wheel scroll the form instead of changing the value under the mouse."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel:
            event.ignore()
            return True
        return False


def _ignore_wheel(widget: QWidget) -> None:
    widget.installEventFilter(_WheelBlock(widget))

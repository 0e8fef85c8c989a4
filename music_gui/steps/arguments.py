"""A step's parameters as command-line arguments, both ways, made from their typed model."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from music_gui.steps.step import StepParameters

_TYPE_WORDS = {int: "integer", float: "number", str: "text", bool: "yes/no", Path: "path"}
_METAVARS = {"integer": "N", "number": "X", "path": "PATH", "text": "TEXT"}
_BOUNDS = {"ge": "at least {}", "gt": "more than {}", "le": "at most {}", "lt": "less than {}"}


@dataclass(frozen=True)
class ParameterDescription:
    """What a user is told about a parameter.

    Attributes
    ----------
    name : str
        As in the model: ``max_epochs``.
    flag : str
        As on the command line: ``--max-epochs``.
    type : str
        ``integer``, ``number``, ``text``, ``yes/no``, ``path`` or ``choice``.
    many : bool
        Takes several values.
    required : bool
        Has no default.
    default : object
        Ready for JSON.
    choices : list of str or None
        The values allowed, if it is a choice.
    bounds : dict
        ``ge``, ``gt``, ``le``, ``lt`` and the number, those that are set.
    unit : str
        Empty if it has none.
    help : str
        One sentence.
    """

    name: str
    flag: str
    type: str
    many: bool
    required: bool
    default: Any
    choices: list[str] | None
    bounds: dict[str, float]
    unit: str
    help: str

    @property
    def help_with_notes(self) -> str:
        """The help with unit, bounds and default: ``... (at least 2; default 32,64)``."""
        notes = [f"in {self.unit}"] if self.unit else []
        notes += [_BOUNDS[kind].format(f"{bound:g}") for kind, bound in self.bounds.items()]
        if self.required:
            notes.append("required")
        elif self.default not in (None, [], ""):
            notes.append(f"default {_as_text(self.default)}")
        return f"{self.help} ({'; '.join(notes)})" if notes else self.help


def describe_parameters(model: type[StepParameters]) -> list[ParameterDescription]:
    """Describe all parameters of a step, in the order of its model."""
    return [_describe(name, field) for name, field in model.model_fields.items()]


def parameters_as_dicts(model: type[StepParameters]) -> list[dict[str, Any]]:
    """Return `describe_parameters` ready for JSON."""
    return [asdict(each) for each in describe_parameters(model)]


def add_arguments(parser: argparse.ArgumentParser, model: type[StepParameters]) -> None:
    """Add a flag for each parameter; one that is not given leaves no trace in the result.

    Lists take values separated by commas, or the flag several times; paths only the latter, since
    their names may hold commas. Values are checked by the model later.
    """
    group = parser.add_argument_group("parameters of the step")
    for each in describe_parameters(model):
        options: dict[str, Any] = {
            "dest": each.name,
            "default": argparse.SUPPRESS,
            "help": each.help_with_notes.replace("%", "%%"),
        }
        if each.type == "yes/no" and not each.many:
            options["action"] = argparse.BooleanOptionalAction
        else:
            options["metavar"] = (
                f"{{{','.join(each.choices)}}}" if each.choices else _METAVARS.get(each.type)
            )
            options["action"] = "append" if each.many else "store"
        group.add_argument(each.flag, **options)


def parsed_parameters(model: type[StepParameters], arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the parameters that were given, for the model to check.

    Relative paths are made absolute: the job may run from another folder.
    """
    given: dict[str, Any] = {}
    for each in describe_parameters(model):
        if not hasattr(arguments, each.name):
            continue
        value = getattr(arguments, each.name)
        if each.type == "path":
            # An empty path stands for none: `as_arguments` writes an empty list so.
            value = [_absolute(one) for one in value if one] if each.many else _absolute(value)
        elif each.many:
            value = [part.strip() for one in value for part in one.split(",") if part.strip()]
        given[each.name] = value
    return given


def as_arguments(values: Mapping[str, Any]) -> list[str]:
    """Turn a job's parameters back into flags and values, for a command to copy.

    Parameters
    ----------
    values : mapping
        As in ``job.json``.

    Returns
    -------
    list of str
        For example ``["--scales", "32", "--scales", "64", "--no-harmonize"]``.
    """
    arguments: list[str] = []
    for name, value in values.items():
        flag = _flag(name)
        if value is None:
            continue
        if isinstance(value, bool):
            arguments.append(flag if value else f"--no-{flag.removeprefix('--')}")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            for each in value or [""]:
                arguments += _flag_and_value(flag, str(each))
        else:
            arguments += _flag_and_value(flag, str(value))
    return arguments


def _flag_and_value(flag: str, value: str) -> list[str]:
    return [f"{flag}={value}"] if value.startswith("-") else [flag, value]


def _describe(name: str, field: FieldInfo) -> ParameterDescription:
    kind, many = _element(field.annotation)
    choices = None
    if get_origin(kind) is Literal:
        choices = [str(each) for each in get_args(kind)]
    elif isinstance(kind, type) and issubclass(kind, Enum):
        choices = [str(each.value) for each in kind]
    bounds = {
        bound: float(getattr(limit, bound))
        for limit in field.metadata
        for bound in _BOUNDS
        if hasattr(limit, bound)
    }
    extra = field.json_schema_extra
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    return ParameterDescription(
        name=name,
        flag=_flag(name),
        type="choice" if choices else _TYPE_WORDS.get(kind, "text"),
        many=many,
        required=field.is_required(),
        default=None if default is PydanticUndefined else _plain(default),
        choices=choices,
        bounds=bounds,
        unit=str(extra.get("unit", "")) if isinstance(extra, dict) else "",
        help=field.description or "",
    )


def _element(annotation: Any) -> tuple[Any, bool]:
    """Return the type of a value, or of a list's values, and whether it is a list.

    Of ``Literal["auto"] | float`` it is the number: the words are said in the help.
    """
    if get_origin(annotation) is Annotated:
        return _element(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        alternatives = [each for each in get_args(annotation) if each is not NoneType]
        open_ended = [each for each in alternatives if get_origin(each) is not Literal]
        return _element((open_ended or alternatives)[0])
    if get_origin(annotation) in (tuple, list):
        return _element(get_args(annotation)[0])[0], True
    return annotation, False


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return value


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _absolute(text: str) -> str:
    return str(Path(text).expanduser().absolute())

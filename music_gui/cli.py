"""The command line: opens the window, and runs every step without one."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from music_gui import __version__
from music_gui.core.errors import MusicError, ParameterError

if TYPE_CHECKING:
    from music_gui.io.study import Study
    from music_gui.jobs.job import JobSnapshot

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_WRONG_USE = 2
EXIT_CANCELLED = 130  # what shells report for Ctrl-C: 128 + SIGINT

#: A worker that the window started leaves the processor to the window first.
_WORKER_NICENESS = 5

#: Steps that need nothing of a study: they make one in a folder that is new or empty.
_FIRST_STEPS = ("import-maps", "import-atlas", "import-components")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; those of the process by default.

    Returns
    -------
    int
        0 done; 1 the run failed, the reason is on standard error; 2 wrong use; 130 cancelled.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        arguments = _parse(words)
        exit_status: int = arguments.command(arguments)
        sys.stdout.flush()
    except ParameterError as error:
        return _complain(error, EXIT_WRONG_USE)
    except MusicError as error:
        return _complain(error, EXIT_FAILED)
    except KeyboardInterrupt:
        return EXIT_CANCELLED
    except BrokenPipeError:  # whoever read the output has seen enough, `| head` for one
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    return exit_status


def _complain(error: MusicError, exit_status: int) -> int:
    print(f"music-gui: {error}", file=sys.stderr)
    return exit_status


def _parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="music-gui",
        description="Brain structural covariance and its genetics. Without a command: the window.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"music-gui {__version__}")
    parser.set_defaults(command=_open, study=None)
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")

    def add(name: str, command: Any, text: str | None) -> argparse.ArgumentParser:
        shown: dict[str, Any] = {} if text is None else {"help": text}
        added = commands.add_parser(name, description=text, allow_abbrev=False, **shown)
        added.set_defaults(command=command)
        return added

    opening = add("open", _open, "open a study in the window")
    opening.add_argument("study", metavar="STUDY", type=_path)
    opening.add_argument(
        "--screenshot",
        metavar="PNG",
        type=_path,
        help="save a picture of the window once the study is drawn, and quit",
    )

    new = add("new", _new, "make an empty study")
    new.add_argument("study", metavar="STUDY", type=_path, help="a new or empty folder")
    new.add_argument("--name", default="", help="its name; by default that of the folder")

    example = add("example", _example, "make the example study (simulated data)")
    example.add_argument("study", metavar="STUDY", type=_path, help="a new or empty folder")
    example.add_argument("--only-inputs", action="store_true", help="maps and genotypes only")
    example.add_argument("--open", action="store_true", help="open it in the window afterwards")

    show = add("show", _show, "print what is in a study")
    show.add_argument("study", metavar="STUDY", type=_path)
    show.add_argument("--json", action="store_true", help="print JSON")

    _add_run(add("run", _run, "run a step, or list all steps"), words)

    worker = add("worker", _worker, None)
    worker.add_argument("job", type=_path)
    add("gl-probe", _gl_probe, None)
    return parser.parse_args(words)


def _add_run(parser: argparse.ArgumentParser, words: list[str]) -> None:
    """Add the arguments of ``run``; those of the step too, once its name is known."""
    _add_run_options(parser)
    if words[:1] != ["run"]:
        return
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    _add_run_options(first)
    try:
        known, _ = first.parse_known_args(words[1:])
    except argparse.ArgumentError:
        return  # said again, and better, when all arguments are known
    if known.step is None:
        return
    from music_gui.jobs.process import thread_variables
    from music_gui.steps.registry import check_step_name

    check_step_name(known.step)
    os.environ.update(thread_variables(_threads(known)))  # read when the libraries are imported

    from music_gui.steps.arguments import add_arguments
    from music_gui.steps.registry import get_step

    step = get_step(known.step)
    parser.description = f"{step.title}: {step.help}"
    add_arguments(parser, step.parameters)


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("step", metavar="STEP", nargs="?", help="its name; see --list")
    parser.add_argument("--list", action="store_true", help="name every step and its parameters")
    parser.add_argument("--study", metavar="STUDY", type=_path, help="the study to work on")
    parser.add_argument("--threads", metavar="N", type=_positive, help="default: all cores")
    parser.add_argument(
        "--recompute", action="store_true", help="even if the same was computed before"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _threads(arguments: argparse.Namespace) -> int:
    from music_gui.jobs.process import available_cores

    return int(arguments.threads or available_cores())


def _open(arguments: argparse.Namespace) -> int:
    from music_gui.app.main import main as open_window

    return open_window(arguments.study, getattr(arguments, "screenshot", None))


def _new(arguments: argparse.Namespace) -> int:
    from music_gui.io.study import Study

    study = Study.create(arguments.study, arguments.name)
    print(f"made the study {study.manifest.name} in {study.root}")
    return EXIT_OK


def _example(arguments: argparse.Namespace) -> int:
    from music_gui.jobs.process import available_cores, thread_variables

    os.environ.update(thread_variables(available_cores()))

    from music_gui.steps.console import ConsoleReporter
    from music_gui.steps.main_job import MAIN_JOB, create_example, run_steps

    study = create_example(arguments.study)
    steps = ("make-example", *(() if arguments.only_inputs else MAIN_JOB))
    for snapshot in run_steps(study, steps, make_reporter=ConsoleReporter):
        if (exit_status := _report(snapshot, as_json=False)) != EXIT_OK:
            return exit_status
    print(f"the example study (simulated data) is in {study.root}")
    return _open(arguments) if arguments.open else EXIT_OK


def _show(arguments: argparse.Namespace) -> int:
    from music_gui.io.study import Study
    from music_gui.steps.show_study import as_text, show_study

    content = show_study(Study.open(arguments.study))
    print(_as_json(content) if arguments.json else as_text(content))
    return EXIT_OK


def _run(arguments: argparse.Namespace) -> int:
    if arguments.list:
        return _list_steps(as_json=arguments.json)
    if arguments.step is None:
        raise ParameterError("no step is named", remedy="See `music-gui run --list`")
    if arguments.study is None:
        raise ParameterError("no study is named", remedy="Add --study STUDY")

    from music_gui.jobs.runner import new_job
    from music_gui.steps.arguments import parsed_parameters
    from music_gui.steps.console import ConsoleReporter
    from music_gui.steps.registry import get_step
    from music_gui.steps.worker import parse_parameters, run_job

    step = get_step(arguments.step)
    given = parsed_parameters(step.parameters, arguments)
    parameters = parse_parameters(step, given).model_dump(mode="json", exclude_unset=True)
    spec = new_job(
        step.name,
        parameters,
        title=step.title,
        threads=_threads(arguments),
        recompute=arguments.recompute,
    )
    study = _opened_or_new(arguments.study, step.name)
    snapshot = run_job(study, spec, make_reporter=ConsoleReporter)
    return _report(snapshot, as_json=arguments.json)


def _opened_or_new(root: Path, step: str) -> Study:
    """Open a study; a step that can be the first one makes it if there is nothing yet."""
    from music_gui.io.study import Study

    if step in _FIRST_STEPS and (not root.exists() or (root.is_dir() and not any(root.iterdir()))):
        return Study.create(root)
    return Study.open(root)


def _report(snapshot: JobSnapshot, *, as_json: bool) -> int:
    """Print how a job ended."""
    if as_json:
        print(_as_json(snapshot.model_dump(mode="json")))
    match snapshot.state:
        case "done":
            if not as_json:
                print(f"{snapshot.spec.step}: {snapshot.message}")
            return EXIT_OK
        case "cancelled":
            print(f"music-gui: {snapshot.spec.step}: cancelled", file=sys.stderr)
            return EXIT_CANCELLED
        case _:
            return _complain(MusicError.from_dict(snapshot.error or {}), EXIT_FAILED)


def _list_steps(*, as_json: bool) -> int:
    from music_gui.steps.arguments import describe_parameters, parameters_as_dicts
    from music_gui.steps.registry import STEP_MODULES, get_step

    steps = [get_step(name) for name in STEP_MODULES]
    if as_json:
        listed = [
            {
                "name": step.name,
                "title": step.title,
                "help": step.help,
                "parameters": parameters_as_dicts(step.parameters),
            }
            for step in steps
        ]
        print(_as_json(listed))
        return EXIT_OK
    for step in steps:
        print(f"{step.name}\n    {step.help}")
        for each in describe_parameters(step.parameters):
            kind = "|".join(each.choices) if each.choices else each.type
            print(f"    {each.flag} {kind}{', several' if each.many else ''}")
            print(f"        {each.help_with_notes}")
    return EXIT_OK


def _worker(arguments: argparse.Namespace) -> int:
    from music_gui.steps.worker import work_on

    if hasattr(os, "nice"):
        os.nice(_WORKER_NICENESS)
    return work_on(arguments.job)


def _gl_probe(arguments: argparse.Namespace) -> int:
    from music_gui.views.brain.gl_check import main as ask_driver

    return ask_driver()


def _as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)

"""What each part may bring along: import-linter can't see imports that are made at run time."""

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "music_gui"
TOOLKITS = ("PySide6", "shiboken6", "PySide6QtAds", "pyqtgraph", "pyvista", "pyvistaqt", "vtk",
            "vtkmodules", "qtawesome", "qtpy")  # fmt: skip
HEAVY = ("numpy", "pandas", "scipy", "sklearn", "pyarrow", "nibabel", "statsmodels")


def loaded_after(script: str, names: tuple[str, ...]) -> set[str]:
    """Return those of some modules that a fresh interpreter holds after a script."""
    report = f"\nimport sys\nprint('loaded:', *sorted(set({names!r}) & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", script + report], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].removeprefix("loaded:").split())


def test_no_package_without_a_window_loads_a_toolkit():
    modules = []
    for package in ("core", "io", "jobs", "tools", "steps", "state"):
        for path in sorted((PACKAGE / package).rglob("*.py")):
            dotted = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
            modules.append(dotted.removesuffix(".__init__"))
    assert len(modules) > 80
    assert not loaded_after("".join(f"import {each}\n" for each in modules), TOOLKITS)


@pytest.mark.parametrize("words", ["--version", "--help", "run --help", "run no-such-step"])
def test_the_command_line_answers_at_once(words):
    script = (
        f"from music_gui.cli import main\ntry: main({words.split()!r})\nexcept SystemExit: pass\n"
    )
    assert not loaded_after(script, (*HEAVY, *TOOLKITS))

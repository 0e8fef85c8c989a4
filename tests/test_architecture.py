"""The import rules of pyproject.toml hold, and each of them notices when it is broken."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def checkout(tmp_path):
    """A copy of the package to break."""
    shutil.copytree(
        ROOT / "music_gui", tmp_path / "music_gui", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def check(folder: Path) -> int:
    """Run the linter on that copy and no other."""
    command = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run([sys.executable, "-c", command], cwd=folder, env=environment).returncode


def test_the_import_rules_hold(checkout):
    assert check(checkout) == 0


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("core/grid.py", "import music_gui.io.atomic"),  # the floors
        ("io/atomic.py", "import music_gui.jobs.job"),
        ("tools/new_tool.py", "import music_gui.jobs.process"),
        ("misc/__init__.py", "x = 1"),  # exhaustive: every folder has its floor
        ("core/misc.py", "x = 1"),
        ("core/grid.py", "import music_gui.core.atlas"),  # data flows one way
        ("core/spare/x.py", "import music_gui.core.association"),
        ("state/x.py", "import PySide6.QtCore"),  # toolkits
        ("steps/x.py", "import pyvista"),
        ("jobs/x.py", "from vtkmodules import vtkCommonCore"),
        ("views/x.py", "import subprocess"),  # processes
        ("steps/x.py", "import multiprocessing"),
    ],
)
def test_breaking_a_rule_is_noticed(checkout, module, line):
    path = checkout / "music_gui" / module
    path.parent.mkdir(exist_ok=True)
    text = path.read_text() if path.exists() else ""
    path.write_text(f"{text}\n{line}\n")
    assert check(checkout) == 1

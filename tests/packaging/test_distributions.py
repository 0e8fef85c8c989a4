"""What is built for release holds all that the application needs, and finds it."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from music_gui import __version__

ROOT = Path(__file__).parents[2]
RESOURCES = {
    path.relative_to(ROOT / "resources").as_posix()
    for path in (ROOT / "resources").rglob("*")
    if path.is_file() and not path.name.startswith(".")
}


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """The wheel and the source distribution of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    for kind in ("wheel", "sdist"):
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


def test_the_wheel_finds_its_resources_and_starts(distributions, tmp_path):
    wheel, _ = distributions
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    held = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert {f"music_gui/_resources/{name}" for name in RESOURCES} <= held
    assert not any(name.startswith(("tests/", "packaging/")) for name in held)
    code = (
        "from music_gui.io.resources import resource, TEMPLATE_T1;"
        "from music_gui.cli import main; print(resource(TEMPLATE_T1)); main(['--version'])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    where, version = done.stdout.splitlines()[:2]
    assert Path(where) == tmp_path / "music_gui/_resources/template" / Path(where).name
    assert version.split()[-1] == __version__


def test_the_source_distribution_builds_the_same_wheel(distributions, tmp_path):
    wheel, sdist = distributions
    shutil.unpack_archive(sdist, tmp_path)
    (source,) = tmp_path.iterdir()
    assert {f"resources/{name}" for name in RESOURCES} <= {
        path.relative_to(source).as_posix() for path in source.rglob("*")
    }
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (again,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(again) as new, zipfile.ZipFile(wheel) as old:
        assert sorted(new.namelist()) == sorted(old.namelist())

"""Results move into the study: all of them or none, and nothing that was there is lost."""

import os
from pathlib import Path

import pytest

from music_gui.core.errors import JobError
from music_gui.jobs.paths import JobPaths
from music_gui.jobs.publication import digest, end_publication, publish, resume_publication

OUTPUTS = ["psc/new.txt", "psc/study_raw.parquet", "cohort/maps"]
RESULT = {"summary": "made", "outputs": {}}


class Crash(BaseException):
    """The process is gone: nothing after this runs."""


@pytest.fixture
def paths(bare_study):
    """A job with three outputs, two of which stand in the study in an earlier form."""
    paths = JobPaths(bare_study.jobs / "job")
    for folder, word in ((bare_study.root, "old"), (paths.output(1), "new")):
        for name in (*OUTPUTS[:2], "cohort/maps/maps.npy", "cohort/maps/maps.json"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(word)
    (bare_study.root / OUTPUTS[0]).unlink()
    (bare_study.root / "cohort/maps/only_old.txt").write_text("old")
    return paths


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*.*"))
        if path.is_file() and "jobs" not in path.relative_to(folder).parts
    }


def published(study):
    return {name: word for name, word in content(study.root).items() if name != "study.json"}


NEW = {
    "psc/new.txt": "new",
    "psc/study_raw.parquet": "new",
    "cohort/maps/maps.npy": "new",
    "cohort/maps/maps.json": "new",
}
OLD = {
    "psc/study_raw.parquet": "old",
    "cohort/maps/maps.npy": "old",
    "cohort/maps/maps.json": "old",
    "cohort/maps/only_old.txt": "old",
}


def test_new_results_take_the_place_of_old_ones_which_are_kept(bare_study, paths):
    publish(paths, 1, bare_study.root, OUTPUTS, RESULT)
    assert published(bare_study) == NEW
    assert content(paths.replaced) == OLD
    assert resume_publication(paths, bare_study.root) == RESULT
    assert published(bare_study) == NEW
    end_publication(paths)
    assert resume_publication(paths, bare_study.root) is None


@pytest.mark.parametrize("n_moves", range(6))
def test_a_crash_between_any_two_moves_is_made_good(bare_study, paths, monkeypatch, n_moves):
    rename, moved = Path.rename, []

    def crash_later(self, target):
        if self.name.startswith("."):  # the lock, not a result
            return rename(self, target)
        if len(moved) == n_moves:
            raise Crash
        moved.append(self)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", crash_later)
    if n_moves < 5:  # one move for the new file, two for each that takes another's place
        with pytest.raises(Crash):
            publish(paths, 1, bare_study.root, OUTPUTS, RESULT)
    else:
        publish(paths, 1, bare_study.root, OUTPUTS, RESULT)
    monkeypatch.undo()
    assert resume_publication(paths, bare_study.root) == RESULT
    assert published(bare_study) == NEW
    assert content(paths.replaced) == OLD


@pytest.mark.parametrize("n_moves", range(5))
def test_if_a_file_can_not_be_moved_the_study_is_as_it_was(bare_study, paths, monkeypatch, n_moves):
    rename, moved = Path.rename, []

    def refuse_one(self, target):
        if self.name.startswith("."):  # the lock, not a result
            return rename(self, target)
        moved.append(self)
        if len(moved) == n_moves + 1:
            raise PermissionError(13, "Permission denied", str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_one)
    with pytest.raises(PermissionError):
        publish(paths, 1, bare_study.root, OUTPUTS, RESULT)
    assert published(bare_study) == OLD
    assert resume_publication(paths, bare_study.root) is None
    assert content(paths.output(1)) == NEW


def test_if_moving_back_fails_too_the_rest_waits_for_a_retry(bare_study, paths, monkeypatch):
    rename, moved = Path.rename, []

    def fail_from_the_third_on(self, target):
        if self.name.startswith("."):  # the lock, not a result
            return rename(self, target)
        moved.append(self)
        if len(moved) > 2:
            raise OSError(5, "Input/output error", str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_from_the_third_on)
    with pytest.raises(OSError, match="Input/output error"):
        publish(paths, 1, bare_study.root, OUTPUTS, RESULT)
    monkeypatch.undo()
    assert resume_publication(paths, bare_study.root) == RESULT
    assert published(bare_study) == NEW


@pytest.mark.parametrize("name", ["../out.txt", "/etc/passwd", "psc/../../x", ".", ""])
def test_nothing_is_moved_out_of_the_study(bare_study, paths, name):
    with pytest.raises(JobError, match="an output lies outside the study"):
        publish(paths, 1, bare_study.root, [*OUTPUTS, name], RESULT)
    assert published(bare_study) == OLD


def test_a_link_that_leads_out_of_the_study_is_not_followed(bare_study, paths, tmp_path):
    (tmp_path / "outside").mkdir()
    (bare_study.root / "gwas").symlink_to(tmp_path / "outside")
    (paths.output(1) / "gwas").mkdir()
    (paths.output(1) / "gwas/x.txt").write_text("new")
    with pytest.raises(JobError, match=r"gwas/x\.txt: an output lies outside the study"):
        publish(paths, 1, bare_study.root, ["gwas/x.txt"], RESULT)
    assert not any((tmp_path / "outside").iterdir())


def test_a_promised_output_that_is_missing_is_named_and_nothing_moves(bare_study, paths):
    with pytest.raises(JobError, match=r"psc/x\.txt: a promised output was not written"):
        publish(paths, 1, bare_study.root, [*OUTPUTS, "psc/x.txt"], RESULT)
    assert published(bare_study) == OLD


def test_a_digest_changes_with_content_and_names_and_nothing_else(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder / "sub").mkdir(parents=True)
        (tmp_path / folder / "sub/x.txt").write_text("x")
        (tmp_path / folder / "y.txt").write_text("y")
    first = digest(tmp_path / "a")
    assert digest(tmp_path / "b") == first
    os.utime(tmp_path / "b/y.txt", (0, 0))
    assert digest(tmp_path / "b") == first
    (tmp_path / "b/y.txt").rename(tmp_path / "b/z.txt")
    assert digest(tmp_path / "b") != first
    (tmp_path / "a/y.txt").write_text("yy")
    assert digest(tmp_path / "a") != first
    assert digest(tmp_path / "a/sub/x.txt") == digest(tmp_path / "b/sub/x.txt")

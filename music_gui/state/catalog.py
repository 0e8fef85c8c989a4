"""What a study holds, by name, as its folders tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from music_gui.io.study import Study


@dataclass(frozen=True)
class Catalog:
    """Names of everything in a study.

    Parameters
    ----------
    has_cohort : bool
        Whether maps were imported.
    atlases, psc_tables, gwas_runs, spare_models, scores : tuple of str
        Newest last.
    """

    has_cohort: bool = False
    atlases: tuple[str, ...] = ()
    psc_tables: tuple[str, ...] = ()
    gwas_runs: tuple[str, ...] = ()
    spare_models: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()


def read_catalog(study: Study) -> Catalog:
    """Look at the study's folders."""
    return Catalog(
        has_cohort=study.participants.is_file(),
        atlases=_names(study.atlases, "*_dseg.nii.gz"),
        psc_tables=tuple(path.stem for path in _by_time(study.psc_tables.glob("*.parquet"))),
        gwas_runs=_names(study.gwas_runs, "gwas.json"),
        spare_models=_names(study.spare_models, "*.spare.json"),
        scores=_names(study.scores, "score.json"),
    )


def _names(folder: Path, mark: str) -> tuple[str, ...]:
    """Return the subfolders that hold a file of that pattern."""
    if not folder.is_dir():
        return ()
    found = [path for path in folder.iterdir() if path.is_dir() and any(path.glob(mark))]
    return tuple(path.name for path in _by_time(found))


def _by_time(paths: Iterable[Path]) -> list[Path]:
    visible = [path for path in paths if not path.name.startswith(".")]
    return sorted(visible, key=lambda path: (path.stat().st_mtime_ns, path.name))

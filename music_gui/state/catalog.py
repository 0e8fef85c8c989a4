"""What a study holds, by name, as its folders tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from music_gui.io.study import Study


@dataclass(frozen=True)
class Catalog:
    """Names of everything in a study.

    Parameters
    ----------
    has_cohort : bool
        Whether maps were imported.
    atlases, psc_tables, gwas_runs, spare_models, scores, anatomies : tuple of str
        Newest last.
    stamps : dict of str to int
        When each was last written, in nanoseconds, by ``kind/name``: tells whether a result was
        computed anew.
    """

    has_cohort: bool = False
    atlases: tuple[str, ...] = ()
    psc_tables: tuple[str, ...] = ()
    gwas_runs: tuple[str, ...] = ()
    spare_models: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    anatomies: tuple[str, ...] = ()
    stamps: dict[str, int] = field(default_factory=dict)

    def changed_since(self, earlier: Catalog, kind: str) -> tuple[str, ...]:
        """Return the names of a kind that are new or were written again, the newest last."""
        names: tuple[str, ...] = getattr(self, kind)
        return tuple(
            name
            for name in names
            if self.stamps[f"{kind}/{name}"] != earlier.stamps.get(f"{kind}/{name}")
        )


def read_catalog(study: Study) -> Catalog:
    """Look at the study's folders."""
    found = {
        "atlases": _folders(study.atlases, "*_dseg.nii.gz"),
        "psc_tables": {path.stem: _time(path) for path in study.psc_tables.glob("[!.]*.parquet")},
        "gwas_runs": _folders(study.gwas_runs, "gwas.json"),
        "spare_models": _folders(study.spare_models, "*.spare.json"),
        "scores": _folders(study.scores, "score.json"),
        "anatomies": _folders(study.anatomies, "*_dseg.nii.gz"),
    }
    has_cohort = study.participants.is_file()
    stamps = {f"{kind}/{name}": time for kind in found for name, time in found[kind].items()}
    if has_cohort:
        stamps["cohort"] = max(_time(study.participants), _time(study.import_report))
    return Catalog(
        has_cohort=has_cohort,
        atlases=_by_time(found["atlases"]),
        psc_tables=_by_time(found["psc_tables"]),
        gwas_runs=_by_time(found["gwas_runs"]),
        spare_models=_by_time(found["spare_models"]),
        scores=_by_time(found["scores"]),
        anatomies=_by_time(found["anatomies"]),
        stamps=stamps,
    )


def _by_time(times: dict[str, int]) -> tuple[str, ...]:
    return tuple(sorted(times, key=lambda name: (times[name], name)))


def _folders(folder: Path, mark: str) -> dict[str, int]:
    """Return the subfolders that hold files of that pattern, and when these were last written."""
    if not folder.is_dir():
        return {}
    times = {
        path.name: max(map(_time, _visible(path.glob(mark))), default=0)
        for path in _visible(folder.iterdir())
        if path.is_dir()
    }
    return {name: time for name, time in times.items() if time}


def _visible(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if not path.name.startswith(".")]


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # replaced or removed since it was listed
        return 0

"""What is in a study: scales, PSCs, tables and their shapes, results, jobs and their states."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from music_gui.core.atlas import psc_name
from music_gui.core.errors import MusicError
from music_gui.io.atlas_dseg import ScaleSidecar, read_sidecars
from music_gui.io.loadings_table import read_loadings_sidecar
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.participants_tsv import read_participants
from music_gui.io.psc_table import ID_COLUMNS, read_psc_sidecar
from music_gui.io.study import Study
from music_gui.io.sumstats_store import SumstatsStore
from music_gui.jobs.folder import JobFolder, jobs_in

_UNREADABLE = (MusicError, OSError, ValueError, KeyError, pa.ArrowException, ValidationError)

Content = dict[str, Any]


def show_study(study: Study) -> Content:
    """Describe all that a study holds.

    Whatever is damaged is listed with the reason under ``error``; the rest is still shown.

    Parameters
    ----------
    study : Study
        The study; nothing in it is changed.

    Returns
    -------
    dict
        Ready for JSON: ``study``, ``cohort``, ``decompositions``, ``atlases``, ``loadings``,
        ``psc_tables``, ``gwas``, ``spare_models``, ``scores``, ``jobs``. The cohort is None before
        an import.
    """
    tables = sorted(study.psc_tables.glob("[!.]*.parquet"))
    loadings = sorted(study.loadings_tables.glob("[!.]*.parquet"))
    return {
        "study": {**study.manifest.model_dump(), "folder": str(study.root)},
        "cohort": _or_error(_cohort, study) if study.participants.is_file() else None,
        "decompositions": _decompositions(study),
        "atlases": _each(study.atlases, "*_dseg.json", lambda path: _atlas(path.parent)),
        "loadings": {path.stem: _or_error(_loadings, path) for path in loadings},
        "psc_tables": {path.stem: _or_error(_psc_table, path) for path in tables},
        "gwas": _each(study.gwas_runs, "gwas.json", lambda path: _gwas(path.parent)),
        "spare_models": _each(study.spare_models, "*.spare.json", _spare_model),
        "scores": _each(study.scores, "score.json", _json_of),
        "jobs": [_or_error(_job, path) for path in jobs_in(study.jobs)],
    }


def _or_error(describe: Callable[[Any], Content], what: Any) -> Content:
    try:
        return describe(what)
    except _UNREADABLE as error:
        return {"error": str(error)}


def _each(folder: Path, pattern: str, describe: Callable[[Path], Content]) -> dict[str, Content]:
    """Describe each visible subfolder by its first file of that pattern."""
    found = {path.parent.name: path for path in sorted(folder.glob(f"*/{pattern}"), reverse=True)}
    return {
        name: _or_error(describe, path)
        for name, path in sorted(found.items())
        if not name.startswith(".")
    }


def _decompositions(study: Study) -> Content:
    """Describe the factorisations, each named by atlas and scale: ``study/C32``."""
    return {
        f"{atlas.name}/{scale}": content
        for atlas in sorted(study.decompositions.glob("[!.]*"))
        for scale, content in _each(atlas, "run.json", _json_of).items()
    }


def _cohort(study: Study) -> Content:
    participants = read_participants(study.participants)
    maps = MaskedMaps.open(study.masked_maps)
    return {
        "n_maps": int(maps.maps.shape[0]),
        "n_voxels": int(maps.maps.shape[1]),
        "grid_shape": list(maps.grid.shape),
        "checksum": maps.checksum,
        "participants": {"rows": len(participants), "columns": list(map(str, participants))},
    }


def _atlas(folder: Path) -> Content:
    return {"scales": {f"C{c}": _scale(each) for c, each in read_sidecars(folder).items()}}


def _scale(sidecar: ScaleSidecar) -> Content:
    names = (psc_name(sidecar.scale, index) for index in range(1, sidecar.scale + 1))
    vanished = set(sidecar.vanished)
    return {
        "n_components": sidecar.scale,
        "pscs": [name for name in names if name not in vanished],
        "vanished": list(sidecar.vanished),
        "source": sidecar.source,
        "simulated": sidecar.simulated,
        "hash": sidecar.hash,
    }


def _loadings(path: Path) -> Content:
    sidecar = read_loadings_sidecar(path)
    return {
        "rows": pq.read_metadata(path).num_rows,
        "atlas": sidecar.atlas,
        "kind": sidecar.kind,
        "unit": sidecar.unit,
        "source": sidecar.source,
        "simulated": sidecar.simulated,
    }


def _psc_table(path: Path) -> Content:
    sidecar = read_psc_sidecar(path)
    metadata = pq.read_metadata(path)
    return {
        "rows": metadata.num_rows,
        "columns": metadata.num_columns,
        "n_pscs": metadata.num_columns - len(ID_COLUMNS),
        "atlas": sidecar.atlas,
        "unit": sidecar.unit,
        "harmonized": sidecar.harmonization is not None,
        "simulated": sidecar.simulated,
    }


def _gwas(folder: Path) -> Content:
    store = SumstatsStore.open(folder)
    description = store.description
    return {
        "engine": f"{description.engine} {description.engine_version}",
        "table": description.table,
        "n_variants": store.n_variants,
        "n_pscs": len(store.pscs),
        "n_hits": len(store.hits),
        "counts": description.counts,
        "covariates": list(description.covariates),
        "simulated": description.simulated,
    }


def _spare_model(path: Path) -> Content:
    from music_gui.io.spare_json import read_spare_model  # brings scikit-learn: slow to import

    model = read_spare_model(path)
    return {
        "n_features": len(model.features),
        "n_patients": model.population.n_patients,
        "n_controls": model.population.n_controls,
        "performance": {
            name: round(metric.mean, 4) for name, metric in model.performance.metrics.items()
        },
        "simulated": model.simulated,
    }


def _json_of(path: Path) -> Content:
    content: Content = json.loads(path.read_bytes())
    return content


def _job(path: Path) -> Content:
    snapshot, _ = JobFolder(path).refresh()
    return {
        "id": snapshot.spec.job_id,
        "step": snapshot.spec.step,
        "state": str(snapshot.state),
        "message": snapshot.message,
        "started": snapshot.started,
        "ended": snapshot.ended,
        "warnings": list(snapshot.warnings),
        "error": snapshot.error,
    }


def as_text(content: Content) -> str:
    """Lay out what `show_study` returns for a reader at a terminal."""
    study, cohort = content["study"], content["cohort"]
    lines = [f"{study['name']}{'  [simulated]' if study['simulated'] else ''}", study["folder"], ""]
    lines.append(f"Cohort: {_cohort_line(cohort)}")
    for title, key, line in (
        ("Atlases", "atlases", _atlas_lines),
        ("Loadings", "loadings", _loadings_line),
        ("PSC tables", "psc_tables", _psc_table_line),
        ("GWAS", "gwas", _gwas_line),
        ("SPARE models", "spare_models", _spare_line),
        ("Scores", "scores", _score_line),
    ):
        lines += ["", f"{title}: {'none' if not content[key] else ''}".rstrip()]
        lines += [f"  {name}: {_line(line, each)}" for name, each in content[key].items()]
    lines += ["", f"Jobs: {'none' if not content['jobs'] else ''}".rstrip()]
    lines += [f"  {_line(_job_line, each)}" for each in content["jobs"]]
    return "\n".join(lines)


def _line(describe: Callable[[Content], str], content: Content) -> str:
    is_damaged = set(content) == {"error"}
    return f"can't be read: {content['error']}" if is_damaged else describe(content)


def _cohort_line(cohort: Content | None) -> str:
    if cohort is None:
        return "none; run import-maps"
    return _line(
        lambda each: (
            f"{each['n_maps']:,} maps of {each['n_voxels']:,} voxels; participants.tsv "
            f"has {each['participants']['rows']:,} rows, columns "
            + ", ".join(each["participants"]["columns"])
        ),
        cohort,
    )


def _atlas_lines(atlas: Content) -> str:
    lines = []
    for name, scale in atlas["scales"].items():
        vanished = ", ".join(scale["vanished"])
        notes = f"; vanished: {vanished}" if vanished else ""
        lines.append(f"\n    {name}: {len(scale['pscs'])} PSCs{notes}")
    total = sum(len(scale["pscs"]) for scale in atlas["scales"].values())
    n_scales = len(atlas["scales"])
    return f"{total} PSCs in {n_scales} scale{'s' if n_scales > 1 else ''}" + "".join(lines)


def _loadings_line(table: Content) -> str:
    return f"{table['kind']}s on atlas {table['atlas']}, {table['source']}"


def _psc_table_line(table: Content) -> str:
    kind = "harmonised" if table["harmonized"] else "raw"
    return (
        f"{table['rows']:,} participants x {table['n_pscs']:,} PSCs of atlas {table['atlas']}, "
        f"{kind}, {table['unit']}"
    )


def _gwas_line(gwas: Content) -> str:
    return (
        f"{gwas['n_variants']:,} variants x {gwas['n_pscs']:,} PSCs of {gwas['table']}, "
        f"{gwas['n_hits']:,} hits, {gwas['engine']}"
    )


def _spare_line(model: Content) -> str:
    figures = ", ".join(f"{name} {value:.2f}" for name, value in model["performance"].items())
    return (
        f"{model['n_patients']} patients, {model['n_controls']} controls, "
        f"{model['n_features']} PSCs; out of sample: {figures}"
    )


def _score_line(content: Content) -> str:
    score, name = content["score"], content["model"]["name"]
    if score is None:
        return f"{name}: {content['status']}: {'; '.join(content['reasons'])}"
    return f"{name} {score['value']:+.2f} ({score['low']:+.2f} to {score['high']:+.2f})"


def _job_line(job: Content) -> str:
    reason = (job["error"] or {}).get("what") or job["message"]
    return f"{job['id']}: {job['state']}{': ' if reason else ''}{reason}"

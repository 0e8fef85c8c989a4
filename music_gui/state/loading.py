"""Read a study's results for the views: runs in a background thread, touches no state."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from music_gui.core.association.significance import genome_wide
from music_gui.core.atlas import Atlas
from music_gui.core.errors import InputError, MusicError
from music_gui.io.study import Study
from music_gui.jobs.folder import JobFolder
from music_gui.state.association import AssociationResult
from music_gui.state.brain_scene import SliceImage
from music_gui.state.psc_column import PscColumn

if TYPE_CHECKING:
    import pandas as pd

    from music_gui.core.spare.density import ScoreDensity
    from music_gui.core.surface import LabelSurface
    from music_gui.io.nifti_header import Xform
    from music_gui.io.psc_table import PscTable
    from music_gui.io.spare_schema import SpareModelFile

#: Title of the column with each PSC's strongest association.
TOP_HIT = "Largest −log₁₀ p"

#: Titles in the order in which the columns stand, whatever is read first; others follow.
_COLUMN_ORDER = ("Volume", "Significant variants", TOP_HIT, "SPARE weight", "SPARE pattern")


def column_place(title: str) -> int:
    """Return the place of a column among the others."""
    return _COLUMN_ORDER.index(title) if title in _COLUMN_ORDER else len(_COLUMN_ORDER)


def load_template() -> SliceImage:
    """Read the built-in MNI152 T1 template."""
    from music_gui.io.nifti import read_image
    from music_gui.io.resources import resource

    image = read_image(resource("template/tpl-MNI152_res-2_T1w.nii.gz"))
    return SliceImage("MNI152", image.data, image.grid)


def load_map(path: Path, *, volume: int | None = None, xform: Xform = "auto") -> SliceImage:
    """Read any 3-D NIfTI image; raises as `music_gui.io.nifti.read_image` does."""
    from music_gui.io.nifti import read_image

    image = read_image(path, volume=volume, xform=xform)
    name = path.name.removesuffix(".gz").removesuffix(".nii")
    return SliceImage(name, image.data, image.grid, image.warnings)


def load_participant_map(study: Study, participant_id: str, session_id: str) -> SliceImage:
    """Read the map of an imported participant as it was read for the import.

    Its file if that is still there, else what the study keeps of it: the voxels of the mask.

    Raises
    ------
    InputError
        If the study has no such map, or its file can't be read.
    """
    from music_gui.io.masked_maps import MaskedMaps
    from music_gui.io.participants_tsv import read_participants

    maps = MaskedMaps.open(study.masked_maps)
    ids = list(zip(maps.participant_ids, maps.session_ids, strict=True))
    if (participant_id, session_id) not in ids:
        raise InputError(
            f"there is no map of {participant_id} {session_id}",
            where=str(study.masked_maps),
            remedy="Import it",
        )
    row = ids.index((participant_id, session_id))
    name = f"{participant_id} {session_id}"
    # Rows of the table and of the maps are in the same order.
    path = study.cohort / str(read_participants(study.participants)["path"].iloc[row])
    if path.is_file():
        image = load_map(path, volume=maps.volume, xform=maps.xform)
        return replace(image, name=name)
    kept = f"its file is gone ({path}); this is what the study keeps: the voxels of the mask"
    return SliceImage(name, maps.unmask(maps.maps[row]), maps.grid, (kept,))


def load_atlas(study: Study, name: str) -> Atlas:
    """Read one of a study's atlases: the scales that `extract` would measure."""
    from music_gui.io.atlas_dseg import read_atlas
    from music_gui.io.masked_maps import MaskedMaps

    try:
        checksum = MaskedMaps.open(study.masked_maps).checksum
    except MusicError:  # no maps, or damaged ones: an atlas can be looked at all the same
        checksum = None
    return read_atlas(study.atlas(name), maps_checksum=checksum)


def load_metrics(study: Study, job_id: str) -> list[tuple[str, dict[str, Any]]]:
    """Read the numbers that a job has published, in order."""
    _, events = JobFolder(study.jobs / job_id).refresh()
    return [
        (str(event.data["name"]), event.data["values"])
        for event in events
        if event.kind == "metric"
    ]


def load_surface(study: Study, name: str, scale: int) -> LabelSurface:
    """Read the surface of an atlas's scale."""
    from music_gui.io.atlas_dseg import read_surface

    return read_surface(study.atlas(name), scale)


def load_association(study: Study, run: str, psc: str) -> AssociationResult | None:
    """Read one PSC's results of a GWAS; None if the PSC was not tested."""
    from music_gui.core.association.genome_axis import genome_axis, quantile_plot
    from music_gui.io.sumstats_store import SumstatsStore

    store = SumstatsStore.open(study.gwas(run))
    if psc not in store.pscs:
        return None
    variants, table = store.variants, store.read(psc)
    neg_log_10_p_value = table["neg_log_10_p_value"].to_numpy()
    return AssociationResult(
        run=run,
        psc=psc,
        variants=variants,
        beta=table["beta"].to_numpy(),
        standard_error=table["standard_error"].to_numpy(),
        neg_log_10_p_value=neg_log_10_p_value,
        axis=genome_axis(
            variants["chromosome"].to_numpy(dtype=object),
            variants["base_pair_location"].to_numpy(),
        ),
        quantiles=quantile_plot(neg_log_10_p_value),
        lambda_gc=store.lambda_gc(psc),
        n_tests=len(store.pscs),
        simulated=study.manifest.simulated,
    )


@dataclass(frozen=True, eq=False)
class CohortTables:
    """The tables of the cohort panel; None where a table is not there."""

    report: pd.DataFrame | None
    participants: pd.DataFrame | None


def load_cohort(study: Study) -> CohortTables:
    """Read the participants and the import report."""
    import pandas as pd

    def read(path: Any) -> pd.DataFrame | None:
        ids = {"participant_id": str, "session_id": str}
        return pd.read_csv(path, sep="\t", dtype=ids) if path.is_file() else None

    return CohortTables(read(study.import_report), read(study.participants))


def load_psc_table(study: Study, name: str) -> PscTable:
    """Read a PSC table."""
    from music_gui.io.psc_table import read_psc_table

    return read_psc_table(study.psc_table(name))


@dataclass(frozen=True, eq=False)
class SpareResult:
    """A SPARE model, its evaluation, and what of it can be painted on the PSCs."""

    model: SpareModelFile
    density: ScoreDensity
    evaluation: dict[str, Any]
    columns: list[PscColumn]


def load_spare(study: Study, name: str) -> SpareResult:
    """Read a SPARE model and its evaluation."""
    from music_gui.core.spare.density import score_density
    from music_gui.io.spare_json import read_spare_model

    folder = study.spare_model(name)
    evaluation = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    model = read_spare_model(folder / f"{name}.spare.json")
    density = score_density(np.array(model.reference.scores), np.array(model.reference.patients))
    columns = [
        PscColumn(f"SPARE {what}", values, kind="diverging", source=f"SPARE model {name}")
        for what, values in (
            ("weight", {each.name: each.weight for each in model.features}),
            ("pattern", {each.name: each.pattern for each in model.features}),
        )
    ]
    return SpareResult(model, density, evaluation, columns)


def load_score(study: Study, score_id: str) -> dict[str, Any]:
    """Read one scored subject."""
    score: dict[str, Any] = json.loads(
        (study.scores / score_id / "score.json").read_text(encoding="utf-8")
    )
    return score


def volume_column(atlas: Atlas) -> PscColumn:
    """Give each PSC of all scales its volume in the atlas."""
    volume = atlas.grid.voxel_volume / 1000.0
    values = {
        name: float(count) * volume
        for scale in atlas.scales.values()
        for name, count in zip(scale.names, scale.voxel_counts, strict=True)
        if count
    }
    return PscColumn("Volume", values, unit="ml", source=f"atlas {atlas.name}")


def hit_columns(study: Study, run: str) -> list[PscColumn]:
    """Count each PSC's genome-wide significant variants and give its largest -log10 p."""
    from music_gui.io.sumstats_store import SumstatsStore

    store = SumstatsStore.open(study.gwas(run))
    hits = store.hits
    significant = hits[hits["neg_log_10_p_value"] > genome_wide().neg_log_10_p]
    counts = dict.fromkeys(store.pscs, 0.0) | {
        str(psc): float(n) for psc, n in significant.groupby("psc").size().items()
    }
    top = {str(psc): float(p) for psc, p in hits.groupby("psc")["neg_log_10_p_value"].max().items()}
    return [
        PscColumn("Significant variants", counts, source=f"GWAS {run}"),
        PscColumn(TOP_HIT, top, neg_log_10_p=top, source=f"GWAS {run}"),
    ]

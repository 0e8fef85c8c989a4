"""Test every variant against every PSC by linear regression."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from music_gui import __version__
from music_gui.core.association.design import variance_inflation
from music_gui.core.association.linear import MAX_VIF
from music_gui.core.association.significance import GENOME_WIDE_P
from music_gui.core.atlas import parse_psc_name
from music_gui.core.errors import InputError, MusicError
from music_gui.io.genotypes import genotype_files
from music_gui.io.psc_table import sidecar_path
from music_gui.io.study import Study, checked_name
from music_gui.io.sumstats_store import GwasDescription, SumstatsStore
from music_gui.io.sumstats_writer import SumstatsWriter
from music_gui.steps.gwas_data import (
    GwasData,
    genotype_path,
    gwas_table_name,
    load_gwas_data,
)
from music_gui.steps.gwas_engines import plink2_version, run_built_in, run_plink2
from music_gui.steps.step import Step, StepParameters, StepResult, Workspace
from music_gui.tools.plink2_glm import PLINK2

_GENOME_WIDE = float(-np.log10(GENOME_WIDE_P))
#: -log10 of the p-value from which on results are listed as hits (suggestive evidence).
_HIT_THRESHOLD = 5.0


class GwasParameters(StepParameters):
    """Parameters of ``gwas``."""

    table: str = Field(
        "", description="PSC table; by default study_harmonized if it exists, else study_raw"
    )
    genotypes: Path | None = Field(
        None, description="A .bed or .pgen file; by default the set that came with the study"
    )
    engine: Literal["built-in", "plink2"] = Field(
        "built-in", description="What computes: this application, or PLINK 2 if it is installed"
    )
    covariates: tuple[str, ...] = Field(
        (),
        description="Columns, powers and products: age,age^2,sex,age:sex; none for no covariate; "
        "by default age, age^2, sex, their products, icv and all PCs that there are, and site "
        "if the table is not harmonised",
    )
    covariate_table: Path | None = Field(
        None, description="Further table with covariates, such as principal components"
    )
    scales: tuple[int, ...] = Field((), description="Scales to test; by default all")
    pscs: tuple[str, ...] = Field((), description="PSCs to test; by default all")
    maf: float = Field(0.01, ge=0, le=0.5, description="Smallest minor allele frequency")
    transform: Literal["none", "inverse-normal"] = Field(
        "none", description="Transform of each PSC: inverse-normal replaces values by the normal "
        "quantiles of their ranks",
    )  # fmt: skip
    max_vif: float = Field(
        MAX_VIF, gt=1, description="Variants that the covariates predict better are not tested "
        "(variance inflation factor)",
    )  # fmt: skip
    name: str = Field("", description="Name of the results; by default that of the PSC table")
    plink2: Path | None = Field(None, description="The PLINK 2 program; by default on the PATH")


def _inputs(study: Study, parameters: GwasParameters) -> Sequence[Path]:
    paths = [study.participants]
    try:
        table = study.psc_table(gwas_table_name(study, parameters.table))
        paths += [table, sidecar_path(table)]
        paths += genotype_files(genotype_path(study, parameters.genotypes))
    except MusicError:
        return paths
    paths += [parameters.covariate_table] if parameters.covariate_table else []
    if parameters.engine == "plink2" and (program := PLINK2.find(parameters.plink2)):
        paths.append(program)
    return paths


def _run(study: Study, parameters: GwasParameters, workspace: Workspace) -> StepResult:
    progress = workspace.progress
    progress.update(0.0, "reading PSC table, covariates and genotypes")
    by_plink2 = parameters.engine == "plink2"
    program = PLINK2.require(parameters.plink2) if by_plink2 else None
    version = plink2_version(program) if program else __version__
    table = gwas_table_name(study, parameters.table)
    name = checked_name(parameters.name or table + ("_plink2" if by_plink2 else ""))
    data = load_gwas_data(
        study,
        table=table,
        genotypes=genotype_path(study, parameters.genotypes),
        covariate_table=parameters.covariate_table,
        covariates=parameters.covariates,
        scales=parameters.scales,
        pscs=parameters.pscs,
        inverse_normal=parameters.transform == "inverse-normal",
    )
    for note in data.notes:
        progress.log(note)
    progress.log("covariates: " + (", ".join(data.sample.design.names) or "none"))
    notes = [*data.notes, *_check_collinearity(data, parameters.max_vif, by_plink2, workspace)]
    writer = SumstatsWriter(
        workspace.scratch / "statistics",
        data.pscs,
        data.group_of_psc.tolist(),
        len(data.variants),
        data.digest(parameters.engine, version, parameters.maf, parameters.max_vif),
    )
    maf, max_vif = parameters.maf, parameters.max_vif
    work = progress.part(0.02, 0.85)
    if program:
        notes += run_plink2(
            data,
            writer,
            program=program,
            workspace=workspace,
            progress=work,
            min_maf=maf,
            max_vif=max_vif,
        )
    else:
        run_built_in(
            data, writer, threads=workspace.threads, progress=work, min_maf=maf, max_vif=max_vif
        )

    def describe(found: dict[str, Any]) -> GwasDescription:
        counts = data.sample.counts | {
            "variants": data.genotypes.n_variants,
            "autosomal_variants": len(data.variants),
            "tested_variants": found.pop("n_tested"),
        }
        return GwasDescription(
            name=name, engine=parameters.engine, engine_version=version, table=table,
            atlas=data.sidecar.atlas, genotypes=_relative(data.genotypes.path, study),
            covariates=data.sample.design.names, coding=data.sample.design.coding,
            transform=parameters.transform, counts=counts, notes=tuple(notes),
            effect_allele="A1 of the .bim file, or ALT: not necessarily the minor allele",
            simulated=study.manifest.simulated or data.sidecar.simulated,
            min_maf=maf, max_vif=max_vif, **found,
        )  # fmt: skip

    folder = workspace.output / "gwas" / name
    description = writer.finish(
        folder,
        data.genotypes.variants.iloc[data.variants],
        describe,
        hit_threshold=_HIT_THRESHOLD,
        progress=progress.part(0.85, 1.0),
    )
    summary, details = _summarize(description, SumstatsStore.open(folder))
    return StepResult(outputs=[f"gwas/{name}"], summary=summary, details=details)


def _check_collinearity(
    data: GwasData, max_vif: float, by_plink2: bool, workspace: Workspace
) -> list[str]:
    """Warn of covariates that predict each other; PLINK would refuse every test."""
    factors = {
        name: factor
        for name, factor in variance_inflation(data.sample.design).items()
        if factor > max_vif
    }
    if not factors:
        return []
    named = ", ".join(f"{name}: {factor:.0f}" for name, factor in factors.items())
    text = f"covariates predict each other (variance inflation factor over {max_vif:g}: {named})"
    if by_plink2:
        raise InputError(
            text,
            why="PLINK 2 does not test any variant then",
            remedy="Leave one of them out, raise --max-vif, or use the built-in engine",
        )
    workspace.progress.warn(text)
    return [text]


def _relative(path: Path, study: Study) -> str:
    if path.is_relative_to(study.root):
        return path.relative_to(study.root).as_posix()
    return str(path)


def _summarize(description: GwasDescription, store: SumstatsStore) -> tuple[str, dict[str, Any]]:
    """Return one sentence and the figures behind it."""
    hits = store.hits
    scales = hits["psc"].map(lambda psc: parse_psc_name(psc)[0]).to_numpy(dtype=np.float64)
    neg_log_10_p = hits["neg_log_10_p_value"].to_numpy()
    genome_wide = neg_log_10_p > _GENOME_WIDE
    corrected = neg_log_10_p > _GENOME_WIDE + np.log10(scales)
    lambdas = [value for value in description.lambda_gc.values() if value is not None]
    counts = description.counts
    details: dict[str, Any] = {
        "name": description.name,
        "participants": counts["analysed"],
        "variants": counts["tested_variants"],
        "pscs": len(description.pscs),
        "hits_5e-8": int(genome_wide.sum()),
        "hits_5e-8_per_C": int(corrected.sum()),
        "pscs_with_hits": int(hits.loc[genome_wide, "psc"].nunique()),
        "lambda_min": min(lambdas, default=None),
        "lambda_max": max(lambdas, default=None),
        "errors": description.errors,
        "counts": counts,
        "covariates": list(description.covariates),
    }
    spread = f"; lambda {min(lambdas):.3f} to {max(lambdas):.3f}" if lambdas else ""
    summary = (
        f"{len(description.pscs)} PSCs, {counts['tested_variants']:,} variants, "
        f"{counts['analysed']:,} participants: {details['hits_5e-8']} hits at 5e-8, "
        f"{details['hits_5e-8_per_C']} at 5e-8/C{spread}"
    )
    return summary, details


STEP = Step(
    name="gwas",
    title="Genome-wide association",
    help="Test every variant against every PSC by linear regression.",
    parameters=GwasParameters,
    run=_run,
    inputs=_inputs,
)

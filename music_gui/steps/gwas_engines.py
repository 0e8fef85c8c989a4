"""The two ways to test all variants: the built-in engine and PLINK 2."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from music_gui.core.association.linear import Association, allele_frequency
from music_gui.core.association.scan import block_size, is_common, scan
from music_gui.core.errors import ToolError
from music_gui.core.progress import Progress
from music_gui.io.sumstats_writer import SumstatsWriter
from music_gui.jobs.process import describe_exit, program_output, run_program
from music_gui.steps.gwas_data import GwasData
from music_gui.steps.step import Workspace
from music_gui.tools.plink2_glm import (
    PLINK2,
    GlmFiles,
    build_command,
    check_success,
    percent_done,
)
from music_gui.tools.plink2_glm_tables import (
    GlmOutput,
    read_output,
    write_genotype_tables,
    write_phenotypes,
)

_COMMIT_SECONDS = 5.0
#: Results of one PLINK run: its text takes about 100 bytes each.
_RESULTS_PER_RUN = 50_000_000


def run_built_in(
    data: GwasData,
    writer: SumstatsWriter,
    *,
    min_maf: float,
    max_vif: float,
    threads: int,
    progress: Progress,
) -> None:
    """Test block by block, going on where an earlier attempt stopped."""
    n_columns = sum(group.right_hand_side.shape[1] for group in data.groups)
    size = block_size(len(data.phenotypes), n_columns)
    if writer.n_done:
        progress.log(f"going on at variant {writer.n_done:,}")
    committed = time.monotonic()
    for block in scan(
        lambda start, stop: data.read(start, stop, threads),
        len(data.variants),
        data.groups,
        size=size,
        first=writer.n_done,
        min_maf=min_maf,
        max_vif=max_vif,
        progress=progress,
    ):
        stop = block.first + len(block.tested)
        writer.write_variants(slice(block.first, stop), block.frequency, block.tested)
        rows = block.first + np.flatnonzero(block.tested)
        for number, (group, result) in enumerate(zip(data.groups, block.results, strict=True)):
            writer.write(rows, number, group.columns, result)
        if time.monotonic() - committed > _COMMIT_SECONDS or stop == len(data.variants):
            writer.commit(stop)
            committed = time.monotonic()


def plink2_version(program: Path) -> str:
    """Ask PLINK 2 for its version.

    Raises
    ------
    ToolError
        If the program is something else.
    """
    return PLINK2.parse_version(program_output([str(program), *PLINK2.version_arguments]))


def run_plink2(
    data: GwasData,
    writer: SumstatsWriter,
    *,
    program: Path,
    min_maf: float,
    max_vif: float,
    workspace: Workspace,
    progress: Progress,
) -> tuple[str, ...]:
    """Run PLINK 2 on batches of PSCs and take in its results.

    Returns
    -------
    tuple of str
        Its warnings.

    Raises
    ------
    ToolError
        If it fails, or analysed other samples or variants than it was given.
    """
    folder = workspace.scratch / "plink2"
    folder.mkdir(parents=True, exist_ok=True)
    files = GlmFiles(folder, data.genotypes.path.absolute())
    tested = _check_frequencies(data, writer, min_maf, workspace.threads, progress.part(0, 0.05))
    progress.update(0.05, "writing PLINK 2's input")
    write_genotype_tables(files, data.genotypes)
    free = psutil.virtual_memory().available >> 20
    command = build_command(
        program, files,
        n_covariates=len(data.sample.design.names), min_maf=min_maf, max_vif=max_vif,
        threads=workspace.threads, memory_mib=int(np.clip(free // 2, 1024, 8192)),
    )  # fmt: skip
    size = max(_RESULTS_PER_RUN // len(data.variants), 1)
    batches = [
        np.arange(first, min(first + size, len(data.pscs)))
        for first in range(0, len(data.pscs), size)
    ]
    warnings: list[str] = []
    for number, batch in enumerate(batches[writer.n_done :], start=writer.n_done):
        span = 0.95 / len(batches)
        part = progress.part(0.05 + number * span, 0.05 + (number + 1) * span)
        warnings += _run_batch(data, writer, files, command, batch, tested, workspace, part)
        writer.commit(number + 1)
    return tuple(dict.fromkeys(warnings))


def _check_frequencies(
    data: GwasData, writer: SumstatsWriter, min_maf: float, threads: int, progress: Progress
) -> NDArray[np.intp]:
    """Write down the allele frequencies; return the rows of the variants PLINK is to test."""
    m = len(data.variants)
    size = block_size(len(data.phenotypes), 1)
    all_tested = np.empty(m, dtype=np.bool_)
    for start in range(0, m, size):
        progress.update(start / m, "counting alleles")
        stop = min(start + size, m)
        frequency, _ = allele_frequency(data.read(start, stop, threads))
        all_tested[start:stop] = is_common(frequency, min_maf)
        writer.write_variants(slice(start, stop), frequency, all_tested[start:stop])
    return np.flatnonzero(all_tested)


def _run_batch(
    data: GwasData,
    writer: SumstatsWriter,
    files: GlmFiles,
    command: Sequence[str],
    batch: NDArray[np.intp],
    tested: NDArray[np.intp],
    workspace: Workspace,
    progress: Progress,
) -> tuple[str, ...]:
    names = [data.pscs[psc] for psc in batch]
    progress.update(0.0, f"PLINK 2 tests {names[0]} to {names[-1]}")
    for old in files.folder.glob(f"{files.prefix.name}.*"):
        old.unlink()  # so that what is found afterwards is new
    design = data.sample.design
    write_phenotypes(
        files, data.sample.genotype_rows, data.phenotypes[:, batch], names,
        design.matrix[:, 1:], design.names,
    )  # fmt: skip

    def follow(line: str) -> None:
        if (fraction := percent_done(line)) is not None:
            progress.update(0.9 * fraction, f"PLINK 2 tests {names[0]} to {names[-1]}")

    status = run_program(
        command, folder=files.folder, log=workspace.log, threads=workspace.threads,
        on_line=follow, check=progress.check,
    )  # fmt: skip
    log = check_success(status, describe_exit(status), files, names)
    for warning in log.warnings:
        progress.warn(f"PLINK 2: {warning}")
    if log.n_samples is not None and log.n_samples != len(data.phenotypes):
        raise ToolError(
            f"PLINK 2 analysed {log.n_samples} of {len(data.phenotypes)} samples",
            why="; ".join(log.warnings),
        )
    alleles = data.genotypes.variants["effect_allele"].to_numpy(dtype=object)
    groups = data.group_of_psc
    for psc, name in zip(batch, names, strict=True):
        progress.check()
        path = files.output(name)
        output = read_output(path, alleles)
        _check_output(output, path, data, tested, len(data.groups[groups[psc]].rows))
        result = Association(
            output.beta[:, None], output.standard_error[:, None],
            output.neg_log_10_p_value[:, None], output.n, output.error_code,
        )  # fmt: skip
        writer.write(tested, int(groups[psc]), np.array([psc]), result)
        path.unlink()
    return log.warnings


def _check_output(
    output: GlmOutput, path: Path, data: GwasData, tested: NDArray[np.intp], n_samples: int
) -> None:
    if not np.array_equal(output.variants, data.variants[tested]):
        raise ToolError(
            f"PLINK 2 tested {len(output.variants)} variants where {len(tested)} were expected",
            where=str(path),
        )
    if output.n.max(initial=0) > n_samples:
        raise ToolError(
            f"PLINK 2 used {output.n.max()} samples where {n_samples} have this PSC",
            where=str(path),
        )

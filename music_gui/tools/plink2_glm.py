"""PLINK 2's linear regression: ``--glm`` on quantitative phenotypes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from music_gui.core.errors import ToolError
from music_gui.tools.tool import KnownError, Tool

PLINK2 = Tool(
    name="PLINK 2",
    executables=("plink2",),
    version_arguments=("--version",),
    version_pattern=r"PLINK v(2\.\S+)",
    versions_known_to_work=("2.00a3.5",),
    how_to_get="Install it with `apt install plink2` or from "
    "https://www.cog-genomics.org/plink/2.0/, or use the built-in engine",
    citation="Chang CC et al. (2015) Second-generation PLINK: rising to the challenge of larger "
    "and richer datasets. GigaScience 4:7. doi:10.1186/s13742-015-0047-8",
    errors=(
        KnownError(
            r"correlation between covariates '([^']+)' and '([^']+)' is too high",
            "the covariates {1} and {2} are almost the same",
            "Leave out one of them",
        ),
        KnownError(
            r"Cannot proceed with --glm regression on phenotype '([^']+)'.*(?:VIF|RANK)",
            "the covariates are too strongly correlated with each other to test {1}",
            "Leave out one of several similar covariates, or raise the largest VIF allowed",
        ),
        KnownError(
            r"split chromosome",
            "the variants are not sorted by chromosome",
            "Sort them: plink2 --bfile IN --make-pgen --sort-vars --out OUT",
        ),
        KnownError(
            r"[Oo]ut of memory",
            "it had not enough memory",
            "Close other programs, or use the built-in engine",
        ),
        KnownError(
            r"No variants remaining",
            "no variant is left after its filters",
            "Lower the smallest minor allele frequency; only autosomes are analysed",
        ),
        KnownError(
            r"No samples remaining",
            "no sample is left after its filters",
            "Check that the participants' IDs are those of the genotypes",
        ),
        KnownError(
            r"phenotype '([^']+)' is constant",
            "the PSC {1} is the same for all samples",
            "Leave it out",
        ),
        KnownError(
            r"# samples <= # predictor columns for --glm phenotype '([^']+)'",
            "there are fewer samples than covariates for {1}",
            "Use fewer covariates",
        ),
        KnownError(
            r"Duplicate sample ID|Duplicate phenotype/covariate ID",
            "a sample ID stands in several rows",
            "Give every sample an ID of its own",
        ),
        KnownError(
            r"Unrecognized flag|Invalid .* argument|Unrecognized .* argument",
            "this version does not know an option that is needed",
            "Install one of the versions known to work",
        ),
        KnownError(
            r"File write failure|No space left", "the disk is full", "Free some space and retry"
        ),
    ),
)


@dataclass(frozen=True)
class GlmFiles:
    """The files of one run.

    Parameters
    ----------
    folder : Path
        All of them stand here but the calls.
    calls : Path
        The user's ``.bed`` or ``.pgen``.
    """

    folder: Path
    calls: Path

    @property
    def variants(self) -> Path:
        """The variants, each with its row number as its ID."""
        return self.folder / ("variants.pvar" if self.is_pgen else "variants.bim")

    @property
    def samples(self) -> Path:
        """The samples, each with its row number as its ID."""
        return self.folder / ("samples.psam" if self.is_pgen else "samples.fam")

    @property
    def keep(self) -> Path:
        """The samples to analyse."""
        return self.folder / "keep.txt"

    @property
    def phenotypes(self) -> Path:
        """Phenotypes of the samples to analyse."""
        return self.folder / "phenotypes.txt"

    @property
    def covariates(self) -> Path:
        """Covariates of the samples to analyse."""
        return self.folder / "covariates.txt"

    @property
    def prefix(self) -> Path:
        """Beginning of the names of all files that PLINK writes."""
        return self.folder / "glm"

    @property
    def log(self) -> Path:
        """PLINK's own log."""
        return self.prefix.with_suffix(".log")

    @property
    def is_pgen(self) -> bool:
        """Whether the calls are in PLINK 2's format."""
        return self.calls.suffix == ".pgen"

    def output(self, phenotype: str) -> Path:
        """Return the file with the results of one phenotype."""
        return self.folder / f"glm.{phenotype}.glm.linear"


def build_command(
    program: Path,
    files: GlmFiles,
    *,
    n_covariates: int,
    min_maf: float,
    max_vif: float,
    threads: int,
    memory_mib: int,
) -> list[str]:
    """Return program and arguments.

    ``omit-ref`` makes ALT (A1 of a .bim file) the effect allele of every variant; without it
    PLINK takes the minor allele, which depends on the sample. ``NA`` is the only missing value.
    """
    calls, variants, samples = (
        ("--pgen", "--pvar", "--psam") if files.is_pgen else ("--bed", "--bim", "--fam")
    )
    command = [
        str(program), calls, str(files.calls), variants, str(files.variants),
        samples, str(files.samples), "--keep", str(files.keep), "--autosome",
        "--no-psam-pheno", "--no-input-missing-phenotype", "--pheno", str(files.phenotypes),
        "--glm", "omit-ref", "hide-covar", "log10",
    ]  # fmt: skip
    if n_covariates:
        command += ["--covar", str(files.covariates), "--covar-variance-standardize"]
    else:
        command.insert(command.index("hide-covar"), "allow-no-covars")
    if min_maf > 0:
        command += ["--maf", f"{min_maf:.12g}"]
    command += ["--vif", f"{max_vif:g}", "--threads", str(threads), "--memory", str(memory_mib)]
    return [*command, "--out", str(files.prefix)]


@dataclass(frozen=True)
class GlmLog:
    """What PLINK's log says.

    Parameters
    ----------
    errors, warnings : tuple of str
        One text each, line breaks as spaces.
    n_samples : int or None
        Samples left after its filters.
    """

    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    n_samples: int | None


def read_log(path: Path) -> GlmLog:
    """Read a log; one that is not there says nothing."""
    if not path.is_file():
        return GlmLog((), (), None)
    text = path.read_text(encoding="utf-8", errors="replace")
    messages: dict[str, list[str]] = {"Error": [], "Warning": []}
    # A message runs on until a line that begins another one, or the end of the run.
    for kind, message in re.findall(
        r"^(Error|Warning): (.*?)(?=^(?:Error|Warning|Note|End time|--|\d+ )|\n\n|\Z)",
        text,
        flags=re.MULTILINE | re.DOTALL,
    ):
        messages[kind].append(" ".join(message.split()))
    found = re.findall(
        r"^(\d+) samples? .*remaining after\s+main filters", text, flags=re.MULTILINE
    )
    return GlmLog(
        tuple(messages["Error"]), tuple(messages["Warning"]), int(found[-1]) if found else None
    )


def percent_done(line: str) -> float | None:
    """Return the fraction that a line of PLINK's progress tells of, if it does."""
    found = re.findall(r"(\d{1,3})%", line)
    return min(int(found[-1]), 100) / 100 if found else None


def check_success(status: int, ended: str, files: GlmFiles, phenotypes: Sequence[str]) -> GlmLog:
    """Refuse a run that failed: success is status 0 and every output there.

    Parameters
    ----------
    status : int
        Exit status.
    ended : str
        How the process ended, in words.
    files : GlmFiles
        Written by this run: the folder was new.
    phenotypes : sequence of str
        For each of which an output is expected.

    Raises
    ------
    ToolError
        With PLINK's message in plain words.
    """
    log = read_log(files.log)
    if log.errors:
        raise PLINK2.explain(log.errors[0])
    if status != 0:
        raise ToolError(f"PLINK 2 {ended}", remedy="The job's log holds what it printed")
    absent = [name for name in phenotypes if not _has_content(files.output(name))]
    if absent:
        raise ToolError(
            f"PLINK 2 ended without an error but wrote no results for {_some(absent)}",
            why="; ".join(log.warnings) or "its log says nothing about it",
            remedy="The job's log holds what it printed",
        )
    return log


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")

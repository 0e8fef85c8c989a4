"""What a GWAS works on: phenotypes, genotypes and covariates of the same participants."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from music_gui.core.association.inverse_normal import rank_inverse_normal
from music_gui.core.association.phenotypes import PhenotypeGroup, group_phenotypes
from music_gui.core.association.samples import AssociationSample, assemble_sample
from music_gui.core.atlas import parse_psc_name
from music_gui.core.cohort.join import join_participants
from music_gui.core.errors import InputError, ParameterError
from music_gui.io.genotypes import AUTOSOMES, Genotypes
from music_gui.io.participants_tsv import read_participants
from music_gui.io.psc_table import PscSidecar, read_psc_table
from music_gui.io.study import Study
from music_gui.steps.psc_rows import people_of, raw_table_name


@dataclass(frozen=True, eq=False)
class GwasData:
    """Everything that an engine needs, in the order of the genotypes' samples.

    Parameters
    ----------
    sidecar : PscSidecar
        Of the PSC table.
    genotypes : Genotypes
        The set.
    sample : AssociationSample
        Who is analysed, and the design.
    pscs : tuple of str, length P
        Those that are tested.
    phenotypes : ndarray, shape (n, P), float64
        Their values, NaN where missing.
    groups : list of PhenotypeGroup
        The same, ready for regression.
    variants : ndarray, shape (m,), int
        Rows of the genotypes' variants that are offered: those on autosomes.
    notes : tuple of str
        What was left out and why.
    """

    sidecar: PscSidecar
    genotypes: Genotypes
    sample: AssociationSample
    pscs: tuple[str, ...]
    phenotypes: NDArray[np.float64]
    groups: list[PhenotypeGroup]
    variants: NDArray[np.intp]
    notes: tuple[str, ...]

    @property
    def group_of_psc(self) -> NDArray[np.intp]:
        """Number of each PSC's group, shape (P,)."""
        numbers = np.empty(len(self.pscs), dtype=np.intp)
        for number, group in enumerate(self.groups):
            numbers[group.columns] = number
        return numbers

    def read(self, start: int, stop: int, threads: int) -> NDArray[np.float64]:
        """Read offered variants of the analysed samples, shape (n, stop - start)."""
        return self.genotypes.read(
            self.variants[start:stop], self.sample.genotype_rows, threads=threads
        )

    def digest(self, *further: object) -> str:
        """Return a digest of all that decides the statistics, and of further settings."""
        hasher = hashlib.blake2b(digest_size=16)
        hasher.update(repr((self.pscs, *further)).encode())
        for array in (self.phenotypes, self.sample.design.matrix, self.sample.genotype_rows):
            hasher.update(np.ascontiguousarray(array).data)
        hasher.update(self.variants.data)
        for file in self.genotypes.files:
            status = file.stat()
            hasher.update(repr((file.name, status.st_size, status.st_mtime_ns)).encode())
        return hasher.hexdigest()


def gwas_table_name(study: Study, asked: str) -> str:
    """Return the PSC table to analyse: the one asked for, else the harmonised, else the raw one.

    Raises
    ------
    ParameterError
        If there is none, or several and none is named.
    """
    if not asked and study.psc_table("study_harmonized").exists():
        return "study_harmonized"
    return raw_table_name(study, asked)


def genotype_path(study: Study, asked: Path | None) -> Path:
    """Return the genotypes to use: those asked for, else the only set that came with the study.

    Raises
    ------
    ParameterError
        If there are none, or several and none is named.
    """
    if asked is not None:
        return asked
    folder = study.source_data / "genotypes"
    found = sorted([*folder.glob("*.bed"), *folder.glob("*.pgen")])
    if len(found) == 1:
        return found[0]
    raise ParameterError(
        "say which genotypes to use",
        where=str(folder),
        why=f"there are {len(found)} sets in this folder of the study",
        remedy="Give the path of a .bed or .pgen file",
    )


def load_gwas_data(
    study: Study,
    *,
    table: str,
    genotypes: Path,
    covariate_table: Path | None,
    covariates: Sequence[str],
    scales: Sequence[int],
    pscs: Sequence[str],
    inverse_normal: bool,
) -> GwasData:
    """Read and match everything.

    Raises
    ------
    MusicError
        In the user's words, if something does not fit.
    """
    psc_table = read_psc_table(study.psc_table(table))
    names = choose_pscs(psc_table.pscs, scales, pscs)
    people = people_of(psc_table, study.participants)
    notes: list[str] = []
    if covariate_table is not None:
        people, note = _with_covariates(people, covariate_table)
        notes.append(note)
    opened = Genotypes.open(genotypes)
    sample = assemble_sample(
        people,
        opened.samples["iid"].to_list(),
        covariates,
        add_site=psc_table.sidecar.harmonization is None,
    )
    notes += sample.notes
    columns = [psc_table.pscs.index(name) for name in names]
    values = psc_table.values[sample.table_rows][:, columns]
    usable, note = _usable(values, names)
    notes += [note] if note else []
    values, names = values[:, usable], tuple(np.array(names)[usable].tolist())
    if inverse_normal:
        values = rank_inverse_normal(values)
    groups = group_phenotypes(values, sample.design.matrix)
    _check_sizes(groups, names)
    variants = np.flatnonzero(opened.variants["chromosome"].isin(AUTOSOMES))
    if len(variants) < opened.n_variants:
        notes.append(f"{opened.n_variants - len(variants)} variants are not on autosomes: left out")
    if len(variants) == 0:
        raise InputError("no variant of the genotypes is on an autosome", where=str(opened.path))
    return GwasData(
        psc_table.sidecar, opened, sample, names, values, groups, variants, tuple(notes)
    )


def choose_pscs(
    available: Sequence[str], scales: Sequence[int], pscs: Sequence[str]
) -> tuple[str, ...]:
    """Return the PSCs of these scales or these names; all if neither is given.

    Raises
    ------
    ParameterError
        If one is not there.
    """
    there = {parse_psc_name(name)[0] for name in available}
    if absent := [scale for scale in scales if scale not in there]:
        raise ParameterError(
            f"the PSC table has no scale {absent[0]}",
            remedy=f"It has {', '.join(map(str, sorted(there)))}",
        )
    known = set(available)
    for name in pscs:
        if name not in known:
            near = difflib.get_close_matches(name, available, n=3)
            raise ParameterError(
                f"the PSC table has no PSC {name}",
                remedy=f"Did you mean {' or '.join(near)}?" if near else "Names look like C32_4",
            )
    if not scales and not pscs:
        return tuple(available)
    wanted = set(pscs)
    return tuple(
        name for name in available if name in wanted or parse_psc_name(name)[0] in set(scales)
    )


def _with_covariates(people: pd.DataFrame, path: Path) -> tuple[pd.DataFrame, str]:
    """Add the columns of a further table; people who are not in it lack them."""
    further = read_participants(path)
    join = join_participants(people, further)
    if len(join.table) == 0:
        raise InputError(
            "no participant of the PSC table is in the table of covariates",
            where=str(path),
            why=join.summary("the PSC table", path.name),
            remedy=join.mend,
        )
    extra = [name for name in further.columns if name not in people.columns]
    added = join.table[extra].set_axis(list(join.left_rows))
    widened = pd.concat([people.reset_index(drop=True), added], axis=1)
    return widened.set_axis(people.index), join.summary("the PSC table", path.name)


def _usable(values: NDArray[np.float64], names: Sequence[str]) -> tuple[NDArray[np.bool_], str]:
    """Tell which PSCs vary, shape (P,), and name the others."""
    there = np.isfinite(values)
    low = np.where(there, values, np.inf).min(axis=0)
    high = np.where(there, values, -np.inf).max(axis=0)
    usable: NDArray[np.bool_] = high > low
    if not usable.any():
        raise InputError(
            "no PSC varies between the participants",
            why=f"{len(names)} PSCs are missing or the same for all {len(values)} of them",
            remedy="Check that the PSC table belongs to these maps",
        )
    left_out = [name for name, good in zip(names, usable, strict=True) if not good]
    some = ", ".join(left_out[:5]) + (", ..." if len(left_out) > 5 else "")
    note = f"{len(left_out)} PSCs are missing or the same for everyone: left out ({some})"
    return usable, note if left_out else ""


def _check_sizes(groups: Sequence[PhenotypeGroup], names: Sequence[str]) -> None:
    for group in groups:
        if len(group.rows) < group.rank + 2:
            raise InputError(
                f"{len(group.rows)} participants are too few for {group.rank - 1} covariates",
                where=names[group.columns[0]],
                remedy="Use fewer covariates, or leave this PSC out",
            )

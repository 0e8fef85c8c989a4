"""Who enters an association model: in the PSC table, genotyped, with all covariates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from music_gui.core.association.design import (
    Design,
    Term,
    build_design,
    default_terms,
    needed_columns,
)
from music_gui.core.cohort.join import Join, join_participants
from music_gui.core.errors import InputError
from music_gui.core.harmonization.covariates import check_columns, incomplete_rows

_SHOWN = 5


@dataclass(frozen=True, eq=False)
class AssociationSample:
    """The participants of an association model.

    Parameters
    ----------
    table_rows : ndarray, shape (n,), int
        Their rows of the PSC table.
    genotype_rows : ndarray, shape (n,), int
        Their rows of the genotypes, ascending.
    design : Design
        Their covariates.
    terms : tuple of str
        What the design was made of.
    counts : dict of str to int
        How many there were on the way: ``psc_table``, ``genotypes``, ``both``, ``analysed``.
    notes : tuple of str
        What was left out and why.
    """

    table_rows: NDArray[np.intp]
    genotype_rows: NDArray[np.intp]
    design: Design
    terms: tuple[str, ...]
    counts: dict[str, int]
    notes: tuple[str, ...]


def assemble_sample(
    people: pd.DataFrame, iid: Sequence[str], covariates: Sequence[str], *, add_site: bool
) -> AssociationSample:
    """Match people with genotypes and make their design matrix.

    Parameters
    ----------
    people : DataFrame
        A row for each row of the PSC table: ``participant_id``, ``session_id`` and covariates.
    iid : sequence of str
        Sample IDs of the genotypes, in their order.
    covariates : sequence of str
        Terms as `Term.parse` reads them; ``none`` for a model without; empty for those of
        `default_terms` that vary.
    add_site : bool
        Add ``site`` to the default terms: wanted where the PSCs are not harmonised.

    Raises
    ------
    InputError
        If no one is left, or covariates can't be told apart.
    """
    matched, notes = match_genotypes(people, iid)
    rows = matched.table
    counts = {"psc_table": len(people), "genotypes": len(iid), "both": len(rows)}
    again = rows["participant_id"].duplicated()
    if again.any():
        notes.append(
            f"{int(again.sum())} rows are further sessions of the same participants: the first "
            "session of each is analysed"
        )
    chosen, term_notes = _choose_terms(rows[~again], covariates, add_site=add_site)
    notes += term_notes
    needed = needed_columns(chosen)
    check_columns(rows.iloc[:0], needed)
    incomplete = incomplete_rows(rows, needed)
    lacking = {name: int((incomplete_rows(rows, [name]) & ~again).sum()) for name in needed}
    if any(lacking.values()):
        notes.append(
            f"{int((incomplete & ~again).sum())} participants lack a covariate and are left out ("
            + ", ".join(f"{name}: {n}" for name, n in lacking.items() if n)
            + ")"
        )
    keep = (~again & ~incomplete).to_numpy()
    order = np.argsort(rows["genotype_row"].to_numpy()[keep], kind="stable")
    final = rows[keep].iloc[order]
    if len(final) < 3:
        raise InputError(
            f"{len(final)} participants are left for the association",
            why="; ".join([matched.summary("the PSC table", "the genotypes"), *notes]),
            remedy="Check the sample IDs and the covariates",
        )
    return AssociationSample(
        table_rows=np.array(matched.left_rows, dtype=np.intp)[keep][order],
        genotype_rows=final["genotype_row"].to_numpy(dtype=np.intp),
        design=build_design(final.reset_index(drop=True), chosen),
        terms=tuple(map(str, chosen)),
        counts=counts | {"analysed": len(final)},
        notes=tuple(notes),
    )


def match_genotypes(people: pd.DataFrame, iid: Sequence[str]) -> tuple[Join, list[str]]:
    """Match participants with samples: ``participant_id`` against the IID, never the FID.

    Where no ID agrees and only the BIDS prefix ``sub-`` stands between, it is passed over.

    Returns
    -------
    join : Join
        With a column ``genotype_row``.
    notes : list of str
        How the match was made, and who has no partner.

    Raises
    ------
    InputError
        If nobody matches, with examples of both sides and the likely mend; or if an IID that
        someone matches stands in several rows.
    """
    left = people.assign(participant_id=people["participant_id"].astype(str).str.strip())
    right = pd.DataFrame({"participant_id": iid, "genotype_row": np.arange(len(iid))})
    right["participant_id"] = right["participant_id"].astype(str).str.strip()
    ids = set(right["participant_id"])
    rule = "participant_id = IID"
    if not left["participant_id"].isin(ids).any():
        bare = left["participant_id"].str.removeprefix("sub-")
        right_bare = right["participant_id"].str.removeprefix("sub-")
        if bare.isin(set(right_bare)).any():
            left["participant_id"], right["participant_id"] = bare, right_bare
            rule = "participant_id = IID, both without the prefix sub-"
    _refuse_ambiguous(left["participant_id"], right["participant_id"])
    join = join_participants(left, right.drop_duplicates("participant_id"))
    summary = join.summary("the PSC table", "the genotypes")
    if len(join.table) == 0:
        raise InputError(
            "no participant of the PSC table is among the genotyped samples",
            why=f"rule: {rule}; {summary}",
            remedy=(join.mend + "; " if join.mend else "")
            + "Give the genotypes' IID the values of participant_id (plink2 --update-ids)",
        )
    return join, [f"{rule}: {summary}"]


def _refuse_ambiguous(left: pd.Series[str], right: pd.Series[str]) -> None:
    twice = right[right.duplicated() & right.isin(set(left))].unique()
    if len(twice):
        shown = ", ".join(twice[:_SHOWN]) + (", ..." if len(twice) > _SHOWN else "")
        raise InputError(
            f"{len(twice)} sample IDs stand in several rows of the genotypes: {shown}",
            why="samples are matched by IID, which two families can share",
            remedy="Give every sample an IID of its own (plink2 --update-ids)",
        )


def _choose_terms(
    rows: pd.DataFrame, asked: Sequence[str], *, add_site: bool
) -> tuple[tuple[Term, ...], list[str]]:
    if asked:
        return tuple(Term.parse(each) for each in asked if each.lower() != "none"), []
    candidates = [*default_terms(rows.columns)]
    if add_site and "site" in rows.columns:
        candidates.append("site")
    notes = []
    useless = set()
    for name in needed_columns([Term.parse(each) for each in candidates]):
        if rows[name].nunique() < 2:
            useless.add(name)
            notes.append(f"{name} is the same for everyone, or missing: not used as a covariate")
    terms = tuple(Term.parse(each) for each in candidates)
    return tuple(term for term in terms if not useless & set(term.columns)), notes

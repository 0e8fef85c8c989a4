"""Columns to paint, read from a study's results: runs in a background thread, touches no state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from music_gui.core.atlas import Atlas
from music_gui.core.errors import InputError
from music_gui.io.study import Study
from music_gui.state.psc_column import PscColumn, kind_of

if TYPE_CHECKING:
    import pandas as pd

    from music_gui.io.psc_table import PscTable
    from music_gui.io.psc_values import PscValueColumn, PscValues
    from music_gui.io.sumstats_store import SumstatsStore

#: What stands in place of a variant's name.
_NO_RSID = frozenset({"", ".", "nan"})

#: A column of the participants groups them if it has no more different values than this.
_MOST_GROUPS = 12

#: Columns of the participants that are no groups, however few values they have.
_NO_GROUPS = frozenset({"participant_id", "session_id", "path"})


@dataclass(frozen=True)
class CohortChoices:
    """What can be chosen of a PSC table.

    Parameters
    ----------
    table : str
        Its name.
    participants : tuple of (str, str)
        ``participant_id`` and ``session_id`` of each row.
    groups : mapping of str to tuple of str
        Column of the participants -> its values that at least two rows have.
    unit : str
        Of the values.
    """

    table: str
    participants: tuple[tuple[str, str], ...]
    groups: Mapping[str, tuple[str, ...]]
    unit: str


def column_of_table(values: PscValues, name: str, p_name: str | None = None) -> PscColumn:
    """Make a column to paint of a table that was read.

    Parameters
    ----------
    values : PscValues
        The table.
    name : str
        Its column.
    p_name : str, optional
        Its column of p-values that belong to them, for thresholds.
    """
    of_name = {column.name: column for column in values.columns}
    column, source = of_name[name], values.path.name
    if column.quantity == "neg_log_10_p":
        title = name if "log" in name.lower() else f"\N{MINUS SIGN}log₁₀ {name}"
        return PscColumn(
            title,
            column.values,
            neg_log_10_p=column.values,
            at_least=column.at_least,
            source=source,
            notes=values.notes,
        )
    return PscColumn(
        name,
        column.values,
        kind=kind_of(column.values),
        neg_log_10_p=None if p_name is None else of_name[p_name].values,
        source=source,
        notes=values.notes,
    )


def p_column_for(values: PscValues, name: str) -> str | None:
    """Guess which column holds the p-values of another: the only one, or the next one after it."""
    columns = list(values.columns)
    p_columns = [each for each in columns if each.quantity == "neg_log_10_p"]
    place = next(at for at, each in enumerate(columns) if each.name == name)
    if columns[place].quantity == "neg_log_10_p" or not p_columns:
        return None
    if len(p_columns) == 1:
        return p_columns[0].name
    named = [each for each in p_columns if name.lower() in each.name.lower()]
    after = [each for each in columns[place + 1 : place + 3] if each in p_columns]
    best: list[PscValueColumn] = named or after
    return best[0].name if best else None


def size_column(atlas: Atlas) -> PscColumn:
    """Give each PSC of all scales its number of voxels."""
    values = {
        name: float(count)
        for scale in atlas.scales.values()
        for name, count in zip(scale.names, scale.voxel_counts, strict=True)
        if count
    }
    return PscColumn("Voxels", values, source=f"atlas {atlas.name}")


def inflation_column(study: Study, run: str) -> PscColumn:
    """Give each PSC the genomic inflation of its GWAS."""
    from music_gui.io.sumstats_store import SumstatsStore

    inflation = SumstatsStore.open(study.gwas(run)).description.lambda_gc
    values = {psc: value for psc, value in inflation.items() if value is not None}
    return PscColumn("Genomic inflation λ", values, source=f"GWAS {run}")


def variant_columns(study: Study, run: str, name: str) -> list[PscColumn]:
    """Give each PSC the effect of one variant and its -log10 p.

    Parameters
    ----------
    study : Study
    run : str
        The GWAS.
    name : str
        The variant's rsid, or its place, ``19:45411941``.

    Raises
    ------
    InputError
        If the GWAS has no such variant, or several.
    """
    from music_gui.io.sumstats_store import SumstatsStore

    store = SumstatsStore.open(study.gwas(run))
    row = _variant_row(store, name)
    table, variant = store.variant(row), store.variants.iloc[row]
    pscs = table["psc"].tolist()
    p_values = _finite(pscs, table["neg_log_10_p_value"].to_numpy(dtype=np.float64))
    effects = _finite(pscs, table["beta"].to_numpy(dtype=np.float64))
    source = f"GWAS {run}"
    return [
        PscColumn(
            f"Effect of {name}-{variant['effect_allele']}",
            effects,
            kind="diverging",
            unit="β",
            neg_log_10_p=p_values,
            source=source,
        ),
        PscColumn(f"{name} \N{MINUS SIGN}log₁₀ p", p_values, neg_log_10_p=p_values, source=source),
    ]


def variant_name(variant: pd.Series) -> str:
    """Return how a variant is called: its rsid, or its place if it has none."""
    rsid = str(variant["rsid"])
    place = f"{variant['chromosome']}:{variant['base_pair_location']}"
    return place if rsid in _NO_RSID else rsid


def _variant_row(store: SumstatsStore, name: str) -> int:
    variants = store.variants
    chromosome, colon, position = name.removeprefix("chr").partition(":")
    if colon and position.isdecimal():
        is_it = (variants["chromosome"] == chromosome) & (
            variants["base_pair_location"] == int(position)
        )
    else:
        is_it = (variants["rsid"] == name) & (name not in _NO_RSID)
    rows = np.flatnonzero(is_it.to_numpy())
    if rows.size == 1:
        return int(rows[0])
    named = ", ".join(variant_name(variants.iloc[row]) for row in range(min(3, len(variants))))
    raise InputError(
        f"the GWAS has {'several variants' if rows.size else 'no variant'} called {name}",
        where=str(store.folder),
        why=f"its {store.n_variants} variants have names like {named}",
        remedy="Choose one in the Manhattan plot, or write its rsid or its place, 19:45411941",
    )


def cohort_choices(study: Study, name: str) -> CohortChoices:
    """Tell which participants and groups a PSC table has."""
    from music_gui.io.psc_table import read_psc_table

    table = read_psc_table(study.psc_table(name), pscs=[])
    people = _participants_of(study, table)
    groups = {}
    for column in people.columns:
        counts = people[column].dropna().astype(str).value_counts()
        values = tuple(sorted(counts.index[counts >= 2]))
        if column not in _NO_GROUPS and 1 < len(counts) <= _MOST_GROUPS and len(values) > 1:
            groups[str(column)] = values
    ids = zip(table.table["participant_id"], table.table["session_id"], strict=True)
    return CohortChoices(name, tuple(ids), groups, table.sidecar.unit.replace("mm3", "mm³"))


def participant_column(
    study: Study,
    name: str,
    participant: tuple[str, str],
    *,
    z_score: bool = True,
    group: tuple[str, str] | None = None,
) -> PscColumn:
    """Give each PSC what one participant has, or how far it lies from the cohort or a group.

    Parameters
    ----------
    study : Study
    name : str
        The PSC table.
    participant : tuple of str
        ``participant_id`` and ``session_id``.
    z_score : bool
        Standard deviations from the reference's mean, instead of the value itself.
    group : tuple of str, optional
        Column and value of the reference; all others of the table by default. The participant is
        never part of it.
    """
    from music_gui.core.association.group_difference import z_scores
    from music_gui.io.psc_table import read_psc_table

    table = read_psc_table(study.psc_table(name))
    ids = table.table["participant_id"], table.table["session_id"]
    is_it = ((ids[0] == participant[0]) & (ids[1] == participant[1])).to_numpy()
    if not is_it.any():
        raise InputError(f"{' '.join(participant)} is not in the PSC table", where=name)
    values = table.values[np.flatnonzero(is_it)[0]]
    who = participant[0]
    if not z_score:
        unit = table.sidecar.unit.replace("mm3", "mm³")
        return PscColumn(who, _finite(table.pscs, values), unit=unit, source=f"table {name}")
    reference = (ids[0] != participant[0]).to_numpy()  # nor other sessions of the same person
    words = "all others"
    if group is not None:
        reference = reference & _in_group(_participants_of(study, table), group)
        words = f"{group[0]} {group[1]}"
    scores = z_scores(values, table.values[reference])
    return PscColumn(
        f"z of {who}",
        _finite(table.pscs, scores),
        kind="diverging",
        unit="SD",
        source=f"table {name}",
        notes=(f"against {int(reference.sum())} participants: {words}",),
    )


def difference_column(study: Study, name: str, column: str, first: str, second: str) -> PscColumn:
    """Give each PSC the standardised difference of two groups' means, with its p-value."""
    from music_gui.core.association.group_difference import group_difference
    from music_gui.io.psc_table import read_psc_table

    table = read_psc_table(study.psc_table(name))
    people = _participants_of(study, table)
    rows = [_in_group(people, (column, value)) for value in (first, second)]
    found = group_difference(*(table.values[each] for each in rows))
    return PscColumn(
        f"{first} \N{MINUS SIGN} {second}",
        _finite(table.pscs, found.standardized),
        kind="diverging",
        unit="Cohen's d",
        neg_log_10_p=_finite(table.pscs, found.neg_log_10_p),
        source=f"table {name}",
        notes=(f"{column}: {rows[0].sum()} {first}, {rows[1].sum()} {second}; unadjusted t test",),
    )


def _participants_of(study: Study, table: PscTable) -> pd.DataFrame:
    """Return the participants in the order of the table's rows; unknown ones are missing."""
    from music_gui.io.participants_tsv import read_participants

    people = read_participants(study.participants)
    keys = ["participant_id", "session_id"]
    return table.table[keys].merge(people, on=keys, how="left", validate="one_to_one")


def _in_group(people: pd.DataFrame, group: tuple[str, str]) -> NDArray[np.bool_]:
    column, value = group
    if column not in people:
        raise InputError(f"the participants have no column {column}")
    known = people[column].notna() & (people[column].astype(str) == value)
    return np.asarray(known.to_numpy(), dtype=bool)


def _finite(pscs: list[str] | tuple[str, ...], values: NDArray[np.floating]) -> dict[str, float]:
    return {
        psc: float(value) for psc, value in zip(pscs, values, strict=True) if np.isfinite(value)
    }

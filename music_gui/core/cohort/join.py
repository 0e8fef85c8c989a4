"""Join tables by participant and session, and say what did not match."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

_KEYS = ["participant_id", "session_id"]

#: Likely differences between the ids of two tables, in words, and how to undo each.
_MENDS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("'sub-' before the ids", lambda text: text.removeprefix("sub-")),
    ("upper and lower case", str.lower),
    ("leading zeros", lambda text: re.sub(r"(?<!\d)0+(?=\d)", "", text)),
    ("'.0' after the ids", lambda text: re.sub(r"\.0+$", "", text)),
    ("hyphens and underscores", lambda text: re.sub(r"[-_ ]", "", text)),
    (
        "all of prefix, case, zeros and punctuation",
        lambda text: re.sub(
            r"(?<!\d)0+(?=\d)", "", re.sub(r"[-_. ]", "", text.lower().removeprefix("sub-"))
        ),
    ),
)


@dataclass(frozen=True, eq=False)
class Join:
    """Two tables joined.

    Attributes
    ----------
    table : DataFrame
        Rows of the left table that have a partner, in their order, with the right one's columns;
        a column that both have is the left one's.
    left_rows : tuple of int
        Row of the left table of each row of `table`.
    by : tuple of str
        The columns that had to agree.
    only_left, only_right : tuple of str
        Ids without a partner.
    mend : str
        What would make more of them match; empty if nothing simple does.
    """

    table: pd.DataFrame
    left_rows: tuple[int, ...]
    by: tuple[str, ...]
    only_left: tuple[str, ...]
    only_right: tuple[str, ...]
    mend: str

    def summary(self, left: str, right: str) -> str:
        """Say in words how many matched, with examples of those that did not."""
        parts = [f"{len(self.table)} rows of {left} matched {right} by {' and '.join(self.by)}"]
        for name, ids in ((left, self.only_left), (right, self.only_right)):
            if ids:
                some = ", ".join(ids[:5]) + (", ..." if len(ids) > 5 else "")
                parts.append(f"{len(ids)} only in {name} ({some})")
        return "; ".join(parts + [self.mend] * bool(self.mend))


def join_participants(left: pd.DataFrame, right: pd.DataFrame) -> Join:
    """Join by participant and session, or by participant alone where sessions can't differ.

    Sessions are left out if the right table has one row a participant, all of one session, and
    more rows match without them: a table of birth dates names no visit. They are left out as well
    if the right table has no such column: genotypes have none.

    Parameters
    ----------
    left, right : DataFrame
        With ``participant_id`` and ``session_id`` as texts (``right`` may lack the latter); rows
        of ``right`` are unique.

    Returns
    -------
    Join
    """
    keys = _KEYS if "session_id" in right.columns else _KEYS[:1]
    one_session = right["participant_id"].is_unique and right[keys[-1]].nunique() <= 1
    if one_session and _n_matches(left, right, _KEYS[:1]) > _n_matches(left, right, keys):
        keys = _KEYS[:1]
    extra = [name for name in right.columns if name not in left.columns]
    marked = left.assign(_left_row=range(len(left)))
    table = marked.merge(right[keys + extra], on=keys, how="inner", validate="many_to_one")
    table = table.sort_values("_left_row", ignore_index=True)
    rows = tuple(int(row) for row in table.pop("_left_row"))
    matched, partners = set(rows), set(_keys(table, keys))
    only_left = [key for row, key in enumerate(_keys(left, keys)) if row not in matched]
    only_right = [key for key in _keys(right, keys) if key not in partners]
    return Join(
        table=table,
        left_rows=rows,
        by=tuple(keys),
        only_left=tuple(map(" ".join, only_left)),
        only_right=tuple(map(" ".join, only_right)),
        mend=_likely_mend(only_left, only_right),
    )


def _keys(table: pd.DataFrame, names: list[str]) -> list[tuple[str, ...]]:
    return list(table[names].itertuples(index=False, name=None))


def _n_matches(left: pd.DataFrame, right: pd.DataFrame, names: list[str]) -> int:
    known = set(_keys(right, names))
    return sum(key in known for key in _keys(left, names))


def _likely_mend(left: list[tuple[str, ...]], right: list[tuple[str, ...]]) -> str:
    for what, undo in _MENDS:
        known = {tuple(map(undo, key)) for key in right}
        n_more = sum(tuple(map(undo, key)) in known for key in left)
        if n_more:
            return f"{n_more} more would match if {what} did not differ"
    return ""

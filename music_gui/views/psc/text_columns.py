"""The columns of words in the list of PSCs: the atlas's own names, and the anatomy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from music_gui.core.atlas import AtlasScale

if TYPE_CHECKING:
    from music_gui.core.anatomy import AnatomyOverlap
    from music_gui.state.anatomy import Anatomy

#: Title of the column that `music_gui.state.anatomy` fills.
ANATOMY = "Anatomy"

#: What copied rows hold beyond the columns that are shown.
ANATOMY_FIGURES = ("Left share", "MNI x", "MNI y", "MNI z")


@dataclass(frozen=True, eq=False)
class TextColumn:
    """Words for each PSC of a scale.

    Parameters
    ----------
    title : str
        Of the column.
    texts : sequence of str
        What is shown.
    words : sequence of str
        What the filter looks at.
    sort_keys : ndarray, shape (C,)
        What is sorted by; NaN stays last.
    """

    title: str
    texts: Sequence[str]
    words: Sequence[str]
    sort_keys: NDArray[np.float64]


def text_columns(scale: AtlasScale | None, anatomy: Anatomy | None) -> list[TextColumn]:
    """Return the atlas's own words, if it has any, and the anatomy, if it is known."""
    columns = []
    if scale is not None and any(scale.regions):
        order = np.unique(np.array(scale.regions), return_inverse=True)[1].astype(np.float64)
        columns.append(TextColumn("Region", scale.regions, scale.regions, order))
    overlap = None if anatomy is None or scale is None else anatomy.overlaps.get(scale.scale)
    if anatomy is not None and overlap is not None:
        texts = [anatomy.texts.get(name, "") for name in overlap.names]
        words = [_anatomy_words(overlap, row, text) for row, text in enumerate(texts)]
        # By the first name in the text, left and right together, and then the largest share first.
        names, place = np.unique([region.name for region in overlap.regions], return_inverse=True)
        shares = overlap.psc_shares @ np.eye(len(names))[place]
        share = shares.max(axis=1)
        keys = np.where(share > 0, shares.argmax(axis=1) + 0.9 * (1 - share), np.nan)
        columns.append(TextColumn(ANATOMY, texts, words, keys))
    return columns


def _anatomy_words(overlap: AnatomyOverlap, row: int, text: str) -> str:
    """Return the words by which a PSC is found: regions, what they are part of, and its side."""
    left = overlap.left_shares[row]
    side = "left" if left >= 0.8 else "right" if left <= 0.2 else "both"
    named = np.flatnonzero(overlap.psc_shares[row] >= 0.05)
    groups = {overlap.regions[place].group for place in named}
    return " ".join((text, side, *sorted(groups)))

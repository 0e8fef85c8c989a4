"""What was typed into the search box, taken apart."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

_SIDE_WORDS: dict[str, Literal["L", "R"]] = {
    "l": "L", "left": "L", "lh": "L", "r": "R", "right": "R", "rh": "R",
}  # fmt: skip


@dataclass(frozen=True)
class Query:
    """One line of text.

    Parameters
    ----------
    text : str
        As it was typed.
    """

    text: str

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Its words in small letters, without accents and punctuation."""
        return tuple(plain(self.text).split())

    @cached_property
    def side(self) -> Literal["L", "R", ""]:
        """The side that it asks for: ``left``, ``R`` and ``lh`` are understood."""
        sides = {_SIDE_WORDS[word] for word in self.words if word in _SIDE_WORDS}
        return sides.pop() if len(sides) == 1 else ""

    @cached_property
    def term(self) -> str:
        """Its words without those that tell a side."""
        return " ".join(word for word in self.words if word not in _SIDE_WORDS)


def plain(text: str) -> str:
    """Write in small letters without accents; punctuation becomes a space."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", bare.lower().replace("'s ", "s ")).split())

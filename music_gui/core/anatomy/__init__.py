"""Anatomy of the PSCs: which named regions each covers, on which side, and where it lies."""

from music_gui.core.anatomy.description import describe, region_text
from music_gui.core.anatomy.overlap import AnatomyOverlap, anatomy_overlap
from music_gui.core.anatomy.regions import (
    AnatomicalAtlas,
    AnatomicalRegion,
    split_side,
)
from music_gui.core.anatomy.space import MNI, Space, space_of

__all__ = [
    "MNI",
    "AnatomicalAtlas",
    "AnatomicalRegion",
    "AnatomyOverlap",
    "Space",
    "anatomy_overlap",
    "describe",
    "region_text",
    "space_of",
    "split_side",
]

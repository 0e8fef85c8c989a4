"""Atlases: scales of PSCs as label images, and how the scales lie in one another."""

from music_gui.core.atlas.labels import (
    Atlas,
    AtlasScale,
    argmax_labels,
    label_hash,
    parse_psc_name,
    psc_name,
)
from music_gui.core.atlas.nested_scales import Nesting, nesting

__all__ = [
    "Atlas",
    "AtlasScale",
    "Nesting",
    "argmax_labels",
    "label_hash",
    "nesting",
    "parse_psc_name",
    "psc_name",
]

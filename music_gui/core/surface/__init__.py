"""Triangle surfaces of label images in world space, and the same with fewer triangles."""

from music_gui.core.surface.label_surface import (
    LabelSurface,
    build_label_surface,
    build_region_surface,
)
from music_gui.core.surface.thinning import thinned

__all__ = ["LabelSurface", "build_label_surface", "build_region_surface", "thinned"]

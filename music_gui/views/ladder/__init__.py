"""One place at all scales, side by side."""

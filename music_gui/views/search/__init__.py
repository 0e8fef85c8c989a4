"""The search box: one line for PSCs, anatomy and points."""

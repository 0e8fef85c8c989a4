"""Association of PSCs with variants."""

"""The convergence panel: how fits converge, and the atlas as it forms."""

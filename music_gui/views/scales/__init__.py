"""Choosing C: how scales compare."""

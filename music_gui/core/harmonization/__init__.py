"""Harmonisation across sites."""

"""Associations: Manhattan, QQ and regional plots."""

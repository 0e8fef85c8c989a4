"""SPARE: the imaging signature of a disease as one number."""

"""Factorisation of maps: sopNMF as published, and exact orthogonal NMF."""

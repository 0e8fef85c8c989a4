"""Factorisation of maps: sopNMF as published, and exact orthogonal NMF."""

from music_gui.core.factorization.epoch import Epoch
from music_gui.core.factorization.exact_onmf import ExactONMF
from music_gui.core.factorization.fit_state import FitState
from music_gui.core.factorization.input_checks import MapsError
from music_gui.core.factorization.sopnmf import SopNMF

__all__ = ["Epoch", "ExactONMF", "FitState", "MapsError", "SopNMF"]

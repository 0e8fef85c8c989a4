"""Factorisation of maps: sopNMF as published, and exact orthogonal NMF."""

from music_gui.core.factorization.blocks import BlockRunner
from music_gui.core.factorization.components import drop_negligible, sparsity
from music_gui.core.factorization.epoch import Epoch
from music_gui.core.factorization.exact_onmf import ExactONMF
from music_gui.core.factorization.fit_state import CheckpointError, FitState
from music_gui.core.factorization.input_checks import MapsError
from music_gui.core.factorization.loss import voxel_energies
from music_gui.core.factorization.nndsvd import REFERENCE_FILL, image_gram, nndsvd
from music_gui.core.factorization.sopnmf import SopNMF

__all__ = [
    "REFERENCE_FILL",
    "BlockRunner",
    "CheckpointError",
    "Epoch",
    "ExactONMF",
    "FitState",
    "MapsError",
    "SopNMF",
    "drop_negligible",
    "image_gram",
    "nndsvd",
    "sparsity",
    "voxel_energies",
]

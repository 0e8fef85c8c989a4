"""Harmonisation of sites: ComBat and ComBat-GAM."""

from music_gui.core.harmonization.combat_gam import ComBatGAM

__all__ = ["ComBatGAM"]

"""The panels of the main window: what they are called and where they are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from music_gui.state.session import Session


@dataclass(frozen=True)
class Panel:
    """A dock of the main window.

    Parameters
    ----------
    name : str
        Under which its place is remembered; never changed.
    title : str
        On its tab.
    icon : str
        Name of a qtawesome icon.
    module, widget : str
        Where its widget is defined; imported only when it is made.
    """

    name: str
    title: str
    icon: str
    module: str
    widget: str

    def load(self) -> Callable[[Session], QWidget]:
        """Import the panel's module, which may take a second, and return the widget's class."""
        factory: Callable[[Session], QWidget] = getattr(import_module(self.module), self.widget)
        return factory


#: In the order in which they are made after the window is shown.
PANELS = (
    Panel("jobs", "Jobs", "mdi6.progress-check", "music_gui.views.jobs.job_panel", "JobPanel"),
    Panel("psc", "PSCs", "mdi6.table", "music_gui.views.psc.psc_list", "PscList"),
    Panel("cohort", "Cohort", "mdi6.account-group", "music_gui.views.cohort.cohort_panel",
          "CohortPanel"),
    Panel("slices", "Slices", "mdi6.view-grid", "music_gui.views.brain.slices_panel",
          "SlicesPanel"),
    Panel("scene", "3D", "mdi6.brain", "music_gui.views.brain.scene_3d", "Scene3D"),
    Panel("manhattan", "Manhattan", "mdi6.chart-scatter-plot",
          "music_gui.views.association.panels", "ManhattanPanel"),
    Panel("qq", "QQ", "mdi6.chart-bell-curve-cumulative", "music_gui.views.association.panels",
          "QQPanel"),
    Panel("spare", "SPARE", "mdi6.gauge", "music_gui.views.spare.spare_panel", "SparePanel"),
    Panel("convergence", "Convergence", "mdi6.chart-line",
          "music_gui.views.convergence.convergence_panel", "ConvergencePanel"),
    Panel("scales", "Choosing C", "mdi6.chart-bell-curve",
          "music_gui.views.scales.scale_choice_panel", "ScaleChoicePanel"),
    Panel("ladder", "Scale ladder", "mdi6.ladder", "music_gui.views.ladder.ladder_panel",
          "LadderPanel"),
)  # fmt: skip

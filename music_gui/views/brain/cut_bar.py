"""Where the brain is cut open in 3D, and how the glass around it looks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QSlider, QWidget

from music_gui.state.session import Session
from music_gui.state.view_3d import CutPlane
from music_gui.views.brain.brain_camera import box_of
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icon_button import IconButton

_NAMES = ("Sagittal", "Coronal", "Axial")
#: Reach of the sliders before there is a surface, mm.
_REACH_MM = 100.0


class CutBar(QWidget):
    """A line of controls: a cut across each axis, and the glass brain.

    Parameters
    ----------
    session : Session
        Its 3D view is changed and followed.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene, self._view = session.scene, session.view_3d
        self._checks, self._sliders, self._turns = [], [], []
        self._box = np.tile([-_REACH_MM, _REACH_MM], (3, 1))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 0, 8, 4)
        layout.setSpacing(4)
        for axis in range(3):
            for widget in self._controls(axis):
                layout.addWidget(widget)
            layout.addSpacing(4)
        self._follow = QCheckBox("At crosshair")
        self._follow.setToolTip("All cuts go through the crosshair")
        self._follow.toggled.connect(self._set_follow)
        self._glass = QSlider(Qt.Orientation.Horizontal)
        self._glass.setRange(0, 100)
        self._glass.setMaximumWidth(70)
        self._glass.setAccessibleName("Opacity of the glass brain")
        self._glass.setToolTip("Opacity of the glass brain, drawn where PSCs are hidden or faded")
        self._glass.valueChanged.connect(self._set_glass)
        layout.addWidget(self._follow)
        layout.addStretch(1)
        layout.addWidget(QLabel("Glass"))
        layout.addWidget(self._glass)
        events = self._view.events
        for changed in (
            events.cuts, events.cuts_follow_crosshair, events.glass, events.glass_opacity,
        ):  # fmt: skip
            follow(self, changed, self._show)
        follow(self, self._scene.events.crosshair, self._show)
        follow(self, self._scene.events.surface, self._on_surface)
        self._on_surface(self._scene.surface)

    def _controls(self, axis: int) -> tuple[QWidget, ...]:
        name = _NAMES[axis]
        check = QCheckBox(name)
        check.setToolTip(f"Cut the brain open along a {name.lower()} plane")
        check.toggled.connect(lambda on: self._set_cut(axis, on))
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setMaximumWidth(90)
        slider.setAccessibleName(f"Position of the {name.lower()} cut, mm")
        slider.valueChanged.connect(lambda mm: self._move(axis, mm))
        turn = IconButton(
            "mdi6.swap-horizontal", f"Keep the other side of the {name.lower()} cut",
            lambda: self._turn(axis),
        )  # fmt: skip
        self._checks.append(check)
        self._sliders.append(slider)
        self._turns.append(turn)
        return check, slider, turn

    # -- from the user to the state --------------------------------------------------------

    def _set_cut(self, axis: int, on: bool) -> None:
        if on:
            self._view.set_cut(CutPlane(axis, float(self._scene.crosshair[axis])))
        else:
            self._view.remove_cut(axis)

    def _move(self, axis: int, mm: int) -> None:
        """Cut elsewhere: at this place, no longer at the crosshair."""
        if self._view.cuts_follow_crosshair:
            self._view.cuts = self._view.planes(self._scene.crosshair)
            self._view.cuts_follow_crosshair = False
        if (plane := self._view.cut(axis)) is not None:
            self._view.set_cut(replace(plane, position=float(mm)))

    def _turn(self, axis: int) -> None:
        if (plane := self._view.cut(axis)) is not None:
            self._view.set_cut(replace(plane, keeps_high=not plane.keeps_high))

    def _set_follow(self, on: bool) -> None:
        self._view.cuts_follow_crosshair = on

    def _set_glass(self, percent: int) -> None:
        self._view.glass = percent > 0
        if percent > 0:
            self._view.glass_opacity = percent / 100

    # -- from the state to the controls ----------------------------------------------------

    def _on_surface(self, surface: Any) -> None:
        """Let the sliders reach over all of the brain."""
        if surface is not None:
            self._box = box_of(surface)
        self._show()

    def _show(self, *_: Any) -> None:
        box = self._box
        planes = {plane.axis: plane for plane in self._view.planes(self._scene.crosshair)}
        for axis, (check, slider) in enumerate(zip(self._checks, self._sliders, strict=True)):
            plane = planes.get(axis)
            with QSignalBlocker(check), QSignalBlocker(slider):
                check.setChecked(plane is not None)
                slider.setRange(int(np.floor(box[axis, 0])), int(np.ceil(box[axis, 1])))
                if plane is not None:
                    slider.setValue(round(plane.position))
                    slider.setToolTip(f"{plane.position:.0f} mm")
            slider.setEnabled(plane is not None)
            self._turns[axis].setEnabled(plane is not None)
        with QSignalBlocker(self._follow), QSignalBlocker(self._glass):
            self._follow.setChecked(self._view.cuts_follow_crosshair)
            self._glass.setValue(round(100 * self._view.glass_opacity) if self._view.glass else 0)

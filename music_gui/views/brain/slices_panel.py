"""Three linked slices, how they are shown, and what lies under the mouse."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QSlider,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from music_gui.core.errors import ParameterError
from music_gui.state.brain_scene import Point, SliceImage
from music_gui.state.dropped_files import image_in, table_in
from music_gui.state.session import Session
from music_gui.state.slice_sampler import SliceSampler, grey_levels
from music_gui.views.brain.color_bar import ColorBar
from music_gui.views.brain.coordinates import format_coordinates, parse_coordinates
from music_gui.views.brain.map_bar import MapBar
from music_gui.views.brain.painting_drop import can_paint, dropped_paths
from music_gui.views.brain.preview_bar import PreviewBar
from music_gui.views.brain.psc_colors import missing_labels, scene_colors, selected_label
from music_gui.views.brain.slice_layers import SliceSources
from music_gui.views.brain.slice_readout import describe_point, describe_preview
from music_gui.views.brain.slice_view import SliceView
from music_gui.views.widgets import palette
from music_gui.views.widgets.elided_label import ElidedLabel
from music_gui.views.widgets.empty_state import EmptyState
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icon_button import IconButton
from music_gui.views.widgets.simulated_badge import SimulatedBadge


class SlicesPanel(QWidget):
    """Sagittal, coronal and axial slices at the crosshair.

    Click selects a PSC, drag moves the crosshair, wheel goes through the slices, Ctrl and wheel
    zoom, middle button moves the image. An image that is dropped here is shown over the template.

    Parameters
    ----------
    session : Session
        Its scene is shown and changed.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self._session, self._scene = session, session.scene
        self._underlay: SliceSampler | None = None
        self._overlay: SliceSampler | None = None
        self._labels: SliceSampler | None = None
        self._hovered: Point | None = None
        self._is_framed = False
        self.views = tuple(SliceView(axis) for axis in range(3))
        for view in self.views:
            view.moved.connect(self._scene.look_at)
            view.chosen.connect(self._on_chosen)
            view.hovered.connect(self._on_hovered)
        self._grid = QWidget()
        self._empty_cell = QWidget()
        self._cells = QGridLayout(self._grid)
        self._cells.setContentsMargins(0, 0, 0, 0)
        self._cells.setSpacing(1)
        self._columns = 0
        self._pages = QStackedWidget()
        self._empty = EmptyState(
            "mdi6.view-grid-outline", "No image yet", "The template is read when a study is opened."
        )
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self._grid)
        self._readout = ElidedLabel(color="muted")
        self._readout.setAccessibleName("PSC and place under the mouse, or at the crosshair")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._make_controls())
        layout.addWidget(self._pages, 1)
        self.map_bar = MapBar(session)
        layout.addWidget(PreviewBar(session))
        layout.addWidget(self.map_bar)
        layout.addWidget(ColorBar(self._scene))
        below = QHBoxLayout()
        below.setContentsMargins(8, 3, 8, 4)
        below.addWidget(self._readout)
        layout.addLayout(below)
        self._refresh_timer = QTimer(self, singleShot=True, interval=0)
        self._refresh_timer.timeout.connect(self._refresh)
        self._follow_state()
        self._arrange()
        self._on_underlay(self._scene.underlay)
        self._on_overlay(self._scene.overlay)
        self._on_scale()
        self._show_controls()
        self._on_theme(palette.current())

    # -- controls --------------------------------------------------------------------------

    def _make_controls(self) -> QWidget:
        scene = self._scene
        self._pscs = IconButton(
            "mdi6.eye-outline", "PSCs in the slices (Ctrl+Shift+P)", self._set_pscs
        )
        self._opacity = QSlider(Qt.Orientation.Horizontal, minimum=0, maximum=100, pageStep=10)
        self._opacity.setAccessibleName("Opacity of the PSCs")
        self._opacity.setToolTip("Opacity of the PSCs")
        self._opacity.setMinimumWidth(50)
        self._opacity.setMaximumWidth(110)
        self._opacity.valueChanged.connect(lambda value: setattr(scene, "opacity", value / 100))
        self._outline = IconButton(
            "mdi6.vector-polygon", "Outlines instead of areas", self._set_outline
        )
        self._radiological = IconButton(
            "mdi6.flip-horizontal", "Radiological: left on the right (Ctrl+R)",
            self._set_radiological,
        )  # fmt: skip
        for button in (self._pscs, self._outline, self._radiological):
            button.setCheckable(True)
        self._place = QLineEdit()
        self._place.setAccessibleName("Coordinates of the crosshair, mm")
        self._place.setToolTip("Coordinates of the crosshair in mm: write others and press Enter")
        self._place.setMinimumWidth(96)
        self._place.setMaximumWidth(140)
        self._place.editingFinished.connect(self._go)
        copy = IconButton("mdi6.content-copy", "Copy the coordinates", self._copy)
        controls = QWidget()
        layout = QHBoxLayout(controls)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.setSpacing(4)
        for widget in (self._pscs, self._outline, self._opacity, self._radiological):
            layout.addWidget(widget)
        layout.addStretch(1)
        layout.addWidget(SimulatedBadge(self._session))
        layout.addWidget(self._place)
        layout.addWidget(copy)
        return controls

    def _set_pscs(self) -> None:
        self._scene.pscs_in_slices = self._pscs.isChecked()

    def _set_outline(self) -> None:
        self._scene.outline = self._outline.isChecked()

    def _set_radiological(self) -> None:
        self._scene.radiological = self._radiological.isChecked()

    def _go(self) -> None:
        if self._place.text() == format_coordinates(self._scene.crosshair):
            self._mark_place("")
            return
        try:
            self._scene.look_at(parse_coordinates(self._place.text()))
        except ParameterError as error:
            self._mark_place(str(error))

    def _copy(self) -> None:
        QApplication.clipboard().setText(format_coordinates(self._scene.crosshair))

    def _show_place(self) -> None:
        """Write the crosshair's place, which also takes back what could not be read."""
        self._mark_place("")
        self._place.setText(format_coordinates(self._scene.crosshair))
        self._place.setCursorPosition(0)

    def _mark_place(self, complaint: str) -> None:
        self._place.setProperty("invalid", bool(complaint))
        self._place.style().polish(self._place)
        self._readout.setText(complaint or self._describe())

    def _show_controls(self) -> None:
        scene = self._scene
        with QSignalBlocker(self._opacity):
            self._opacity.setValue(round(scene.opacity * 100))
        self._pscs.setChecked(scene.pscs_in_slices)
        for control in (self._outline, self._opacity):
            control.setEnabled(scene.pscs_in_slices)
        self._outline.setChecked(scene.outline)
        self._radiological.setChecked(scene.radiological)

    # -- following the state ---------------------------------------------------------------

    def _follow_state(self) -> None:
        events = self._scene.events
        follow(self, events.underlay, self._on_underlay)
        follow(self, events.overlay, self._on_overlay)
        for changed in (events.atlas, events.scale, self._session.previews.brain_changed):
            follow(self, changed, self._on_scale)
        # At once, so that all views are painted in one go.
        for changed in (events.selected, events.painted, events.hidden):
            follow(self, changed, self._refresh)
        for changed in (events.overlay_visible, events.overlay_opacity, events.overlay_range):
            follow(self, changed, self._refresh_soon)
        for changed in (
            events.opacity, events.outline, events.radiological, events.pscs_in_slices,
        ):  # fmt: skip
            follow(self, changed, self._on_look)
        follow(self, events.crosshair, self._on_crosshair)
        follow(self, self._scene.view_reset, self._reset)
        follow(self, palette.theme_changed, self._on_theme)

    def _refresh_soon(self) -> None:
        self._refresh_timer.start()

    def _on_underlay(self, underlay: SliceImage | None) -> None:
        if underlay is None:
            self._underlay = None
            self._refresh_soon()
            return

        def show(sampler: SliceSampler) -> None:
            if self._scene.underlay is underlay:
                self._underlay, self._is_framed = sampler, False
                self._refresh()

        self._session.background.run(
            lambda: SliceSampler(grey_levels(underlay.data), underlay.grid, linear=True),
            show,
            self._session.failed.emit,
            topic=f"slices {id(self)}",
        )

    def _on_overlay(self, overlay: SliceImage | None) -> None:
        if overlay is None:
            self._overlay = None
            self._refresh_soon()
            return

        def show(sampler: SliceSampler) -> None:
            if self._scene.overlay is overlay:
                self._overlay = sampler
                self._refresh()

        self._session.background.run(
            lambda: SliceSampler(
                np.nan_to_num(overlay.data, posinf=0.0, neginf=0.0), overlay.grid, linear=True
            ),
            show,
            self._session.failed.emit,
            topic=f"map in slices {id(self)}",
        )

    def _on_scale(self) -> None:
        scene = self._scene
        had_labels = self._labels is not None
        if (preview := self._session.previews.in_brain) is not None:
            self._labels = preview.sampler
        elif scene.atlas is None or scene.scale is None:
            self._labels = None
        else:
            labels = scene.atlas.scales[scene.scale].labels
            self._labels = SliceSampler(labels, scene.atlas.grid)
        self._is_framed = self._is_framed and had_labels
        self._refresh_soon()

    def _on_look(self) -> None:
        self._show_controls()
        self._refresh_soon()

    def _on_crosshair(self, crosshair: Point) -> None:
        for view in self.views:
            view.show_crosshair(crosshair)
        self._show_place()

    def _refresh(self) -> None:
        scene = self._scene
        is_empty = self._underlay is self._labels is self._overlay is None
        preview = self._session.previews.in_brain
        self._pages.setCurrentWidget(self._empty if is_empty else self._grid)
        sources = SliceSources(
            underlay=self._underlay,
            overlay=self._overlay if scene.overlay_visible else None,
            overlay_range=scene.overlay_range,
            overlay_opacity=scene.overlay_opacity,
            labels=self._labels if scene.pscs_in_slices else None,
            colors=scene_colors(scene) if preview is None else palette.label_colors(preview.scale),
            hatched=missing_labels(scene) if preview is None else None,
            selected=selected_label(scene) if preview is None else None,
            opacity=scene.opacity,
            outline=scene.outline,
            radiological=scene.radiological,
        )
        for view in self.views:
            view.show_sources(sources)
        if not self._is_framed and not is_empty:
            self._is_framed = True
            self._reset()
        self._on_crosshair(scene.crosshair)

    def _reset(self) -> None:
        for view in self.views:
            view.reset()

    def _on_theme(self, theme: palette.Theme) -> None:
        for cell in (self._grid, self._empty_cell):
            cell.setAutoFillBackground(True)
            colors = cell.palette()
            shade = theme.border if cell is self._grid else theme.slice_background
            colors.setColor(cell.backgroundRole(), QColor(shade))
            cell.setPalette(colors)
        for view in self.views:
            view.use_theme(theme)
        self._refresh_soon()

    # -- readout ---------------------------------------------------------------------------

    def _on_hovered(self, point: Point | None) -> None:
        self._hovered = point
        self._readout.setText(self._describe())

    def _describe(self) -> str:
        """Say what is under the mouse, or at the crosshair."""
        point, preview = self._hovered or self._scene.crosshair, self._session.previews.in_brain
        if preview is not None:
            return describe_preview(preview, point)
        return describe_point(self._scene, point)

    def _on_chosen(self, point: Point) -> None:
        """Go there and select the PSC; components of a fit under way are none yet."""
        self._scene.look_at(point, select=self._session.previews.in_brain is None)

    # -- drag and drop ---------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept one image, or one table to paint; anything else is for the window."""
        paths = dropped_paths(event)
        if image_in(paths) is not None or can_paint(self._scene, paths):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Show the image that was dropped, or paint the table."""
        paths = dropped_paths(event)
        if (image := image_in(paths)) is not None:
            event.acceptProposedAction()
            self._session.show_map(image)
        elif (table := table_in(paths)) is not None:
            event.acceptProposedAction()
            self._session.painting.open_table(table)

    # -- layout ----------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the slices under or beside each other, whichever makes them larger."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        ratio = self._pages.width() / max(self._pages.height(), 1)
        columns = 3 if ratio > 1.6 else 1 if ratio < 0.75 else 2
        if columns == self._columns:
            return
        self._columns = columns
        for cell in (*self.views, self._empty_cell):
            self._cells.removeWidget(cell)
        for number, view in enumerate(self.views):
            self._cells.addWidget(view, number // columns, number % columns)
        self._empty_cell.setVisible(columns == 2)
        if columns == 2:
            self._cells.addWidget(self._empty_cell, 1, 1)
        for index in range(3):
            self._cells.setColumnStretch(index, int(index < columns))
            self._cells.setRowStretch(index, int(index < -(-3 // columns)))

"""Views of the brain that are kept in the study: save, show again, delete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal

from music_gui.core.atlas import Atlas
from music_gui.core.errors import InputError, MusicError, StudyError
from music_gui.io.study import Study, checked_name
from music_gui.state import loading
from music_gui.state.background import Background
from music_gui.state.brain_scene import BrainScene
from music_gui.state.psc_column import PaintStyle, PscColumn
from music_gui.state.study_reader import StudyReader
from music_gui.state.view_3d import Camera, CutPlane, View3D

if TYPE_CHECKING:
    from music_gui.io.saved_view import SavedColumn, SavedView


class SavedViews:
    """The saved views of the open study.

    Parameters
    ----------
    scene, view_3d : BrainScene, View3D
        What is saved and shown again.
    reader : StudyReader
        Reads the study.
    background : Background
        Writes files, in order.
    get_study : callable
        Returns the open study, or None.
    columns : callable
        Returns the columns that are offered for painting, by title.
    offer : callable
        Offers columns for painting to all views.
    show_atlas : callable
        Takes an atlas and a scale to show.
    failed : callable
        Takes what went wrong.

    Attributes
    ----------
    names : tuple of str
        Of the views in the study.

    Signals
    -------
    changed(names)
        Views were saved or deleted, or another study is open.
    restored(name)
        A view is shown again.
    """

    changed = Signal(tuple)
    restored = Signal(str)

    def __init__(
        self,
        scene: BrainScene,
        view_3d: View3D,
        reader: StudyReader,
        background: Background,
        get_study: Callable[[], Study | None],
        columns: Callable[[], dict[str, PscColumn]],
        offer: Callable[[list[PscColumn]], None],
        show_atlas: Callable[[Atlas, int], None],
        failed: Callable[[MusicError], None],
    ) -> None:
        self._scene, self._view_3d = scene, view_3d
        self._reader, self._background = reader, background
        self._get_study, self._columns, self._offer = get_study, columns, offer
        self._show_atlas, self._failed = show_atlas, failed
        self.names: tuple[str, ...] = ()

    def refresh(self, *_: object) -> None:
        """Look again which views the study holds."""

        def read(study: Study) -> tuple[str, ...]:
            from music_gui.io.saved_view import view_names

            return view_names(study.views)

        if self._get_study() is None:
            self._show_names(())
        else:
            self._reader.read_from_study(read, self._show_names, topic="saved views")

    def _show_names(self, names: tuple[str, ...]) -> None:
        if names != self.names:
            self.names = names
            self.changed.emit(names)

    # -- saving ----------------------------------------------------------------------------

    def save(self, name: str) -> None:
        """Save what is shown now, in place of a view of the same name; or ``failed`` follows."""
        from music_gui.io.saved_view import write_view

        try:
            study, view = self._study(), self.capture()
            path = study.view(checked_name(name))
        except MusicError as error:
            self._failed(error)
            return
        self._change(lambda: write_view(path, view))

    def delete(self, name: str) -> None:
        """Delete a saved view; or ``failed`` follows."""
        try:
            path = self._study().view(name)
        except MusicError as error:
            self._failed(error)
            return
        self._change(lambda: path.unlink(missing_ok=True))

    def _change(self, work: Callable[[], None]) -> None:
        self._background.request(work, self.refresh, self._failed)

    def _study(self) -> Study:
        study = self._get_study()
        if study is None:
            raise StudyError("no study is open", remedy="Open a study or make a new one first")
        return study

    def capture(self) -> SavedView:
        """Return what is shown now.

        Raises
        ------
        InputError
            If no atlas is shown.
        """
        from music_gui.io import saved_view

        scene, view, study = self._scene, self._view_3d, self._get_study()
        if scene.atlas is None or scene.scale is None:
            raise InputError("there is no view to save", remedy="Fit or import an atlas first")
        camera = view.camera
        return saved_view.SavedView(
            simulated=study is not None and study.manifest.simulated,
            atlas=scene.atlas.name,
            scale=scene.scale,
            selected=scene.selected,
            also_selected=tuple(sorted(scene.also_selected)),
            hidden=tuple(sorted(scene.hidden)),
            crosshair=scene.crosshair,
            painted=None if scene.painted is None else _saved_column(scene.painted),
            faded=scene.ghost,
            camera=None if camera is None else saved_view.SavedCamera(**asdict(camera)),
            cuts=tuple(saved_view.SavedCut.model_validate(asdict(cut)) for cut in view.cuts),
            cuts_follow_crosshair=view.cuts_follow_crosshair,
            glass=view.glass,
            glass_opacity=view.glass_opacity,
            slices=saved_view.SavedSlices(
                opacity=scene.opacity,
                outline=scene.outline,
                pscs=scene.pscs_in_slices,
                radiological=scene.radiological,
                map_name=None if scene.overlay is None else scene.overlay.name,
                map_visible=scene.overlay_visible,
                map_opacity=scene.overlay_opacity,
                map_range=scene.overlay_range,
            ),
        )

    # -- showing again ---------------------------------------------------------------------

    def restore(self, name: str) -> None:
        """Show a saved view again; `restored` follows, or ``failed``."""
        shown = self._scene.atlas

        def read(study: Study) -> tuple[SavedView, Atlas]:
            from music_gui.io.saved_view import read_view

            path = study.view(name)
            view = read_view(path)
            atlas = shown
            if atlas is None or atlas.name != view.atlas:
                atlas = loading.load_atlas(study, view.atlas)
            if view.scale not in atlas.scales:
                raise _without_scale(path, view, atlas)
            return view, atlas

        def show(answer: tuple[SavedView, Atlas]) -> None:
            self.show(*answer)
            self.restored.emit(name)

        self._reader.read_from_study(read, show, topic="saved view")

    def show(self, view: SavedView, atlas: Atlas) -> None:
        """Show a view of an atlas that has its scale."""
        scene = self._scene
        if scene.atlas is not atlas:
            self._show_atlas(atlas, view.scale)
        known = frozenset(atlas.scales[view.scale].names)
        scene.select(None)
        scene.set_scale(view.scale)
        scene.hidden = frozenset(view.hidden) & frozenset(atlas.names)
        scene.painted = None if view.painted is None else self._column(view.painted)
        scene.selected = view.selected if view.selected in known else None
        scene.also_selected = frozenset(view.also_selected) & known
        scene.crosshair = view.crosshair
        scene.ghost = view.faded
        self._show_slices(view)
        self._view_3d.update(
            {
                "cuts": tuple(CutPlane(**cut.model_dump()) for cut in view.cuts),
                "cuts_follow_crosshair": view.cuts_follow_crosshair,
                "glass": view.glass,
                "glass_opacity": view.glass_opacity,
                "camera": None if view.camera is None else Camera(**view.camera.model_dump()),
            }
        )

    def _show_slices(self, view: SavedView) -> None:
        scene, slices = self._scene, view.slices
        scene.opacity, scene.outline = slices.opacity, slices.outline
        scene.radiological = slices.radiological
        overlay = None if scene.overlay is None else scene.overlay.name
        if overlay == slices.map_name:
            scene.pscs_in_slices = slices.pscs
        if overlay is not None and overlay == slices.map_name:
            scene.overlay_visible = slices.map_visible
            scene.overlay_opacity = slices.map_opacity
            scene.overlay_range = slices.map_range

    def _column(self, saved: SavedColumn) -> PscColumn:
        """Return a column as it was painted, with the values that the study has now if it has."""
        style = PaintStyle(**saved.style.model_dump())
        offered = self._columns()
        now = offered.get(saved.title)
        if now is not None and now.source == saved.source:
            offered[now.title] = replace(now, style=style)
            return offered[now.title]
        column = _column(saved, style)
        if now is not None:
            column = replace(column, title=f"{column.title} (saved)")
        self._offer([column])
        return column


def _saved_column(column: PscColumn) -> SavedColumn:
    from music_gui.io.saved_view import SavedColumn, SavedStyle

    p = column.neg_log_10_p
    return SavedColumn(
        title=column.title,
        kind=column.kind,
        unit=column.unit,
        source=column.source,
        values=_finite(column.values),
        neg_log_10_p="values" if column.is_p_value else None if p is None else _finite(dict(p)),
        at_least=tuple(sorted(column.at_least)),
        style=SavedStyle(**asdict(column.style)),
    )


def _column(saved: SavedColumn, style: PaintStyle) -> PscColumn:
    values = dict(saved.values)
    p = values if saved.neg_log_10_p == "values" else saved.neg_log_10_p
    return PscColumn(
        title=saved.title,
        values=values,
        kind=saved.kind,
        unit=saved.unit,
        neg_log_10_p=p,
        at_least=frozenset(saved.at_least),
        source=saved.source,
        notes=("as saved with a view",),
        style=style,
    )


def _finite(values: dict[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if abs(value) < float("inf")}


def _without_scale(path: Path, view: SavedView, atlas: Atlas) -> InputError:
    scales = ", ".join(str(scale) for scale in sorted(atlas.scales))
    return InputError(
        f"the view shows C = {view.scale}, which the atlas {atlas.name} does not have",
        where=str(path),
        why=f"its scales are {scales}",
        remedy="Fit that scale again, or delete the view",
    )

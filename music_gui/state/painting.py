"""Paint anything on the brain: columns of the study or of a table, and how they are coloured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from music_gui.core.atlas import parse_psc_name
from music_gui.core.errors import InputError, MusicError
from music_gui.io.study import Study
from music_gui.state import paint_sources
from music_gui.state.background import Background
from music_gui.state.brain_scene import BrainScene
from music_gui.state.painted_values import painted_values
from music_gui.state.painting_export import export_painting
from music_gui.state.psc_column import PaintStyle, PscColumn
from music_gui.state.study_reader import StudyReader

if TYPE_CHECKING:
    from music_gui.io.psc_values import PscValues
    from music_gui.state.paint_sources import CohortChoices

_Offer = Callable[[list[PscColumn]], None]


class Painting:
    """Reads what can be painted and changes how the painted column looks.

    Parameters
    ----------
    scene : BrainScene
        Whose `painted` column is changed.
    reader : StudyReader
        Reads the study.
    background : Background
        Writes what is exported.
    columns : callable
        Returns the columns that are offered, by title.
    offer : callable
        Offers columns to all views.
    failed : callable
        Takes what went wrong.

    Signals
    -------
    tables_changed()
        Another table was read, or all were forgotten.
    exported(paths)
        Files were written.
    """

    tables_changed = Signal()
    exported = Signal(tuple)

    def __init__(
        self,
        scene: BrainScene,
        reader: StudyReader,
        background: Background,
        columns: Callable[[], dict[str, PscColumn]],
        offer: _Offer,
        failed: Callable[[MusicError], None],
    ) -> None:
        self._scene = scene
        self._reader = reader
        self._background = background
        self._columns = columns
        self._offer = offer
        self._failed = failed
        self.tables: dict[str, PscValues] = {}

    def forget(self) -> None:
        """Forget all tables."""
        self.tables = {}
        self.tables_changed.emit()

    # -- what is painted -------------------------------------------------------------------

    def open_table(self, path: Path) -> None:
        """Read any table with values of PSCs and paint its first column of values.

        `tables_changed` follows, or ``failed``.
        """
        atlas, scale = self._scene.atlas, self._scene.scale
        if atlas is None:
            self._failed(_no_atlas())
            return

        def read() -> PscValues:
            from music_gui.io.psc_names import KnownPscs
            from music_gui.io.psc_values import read_psc_values

            known = KnownPscs({c: c for c in atlas.scales}, frozenset(atlas.vanished))
            return read_psc_values(path, known, scale=scale)

        self._reader.read(read, self._show_table, topic="table to paint")

    def _show_table(self, values: PscValues) -> None:
        self.tables = {**self.tables, values.path.name: values}
        self.tables_changed.emit()
        first = next(
            (each for each in values.columns if each.quantity == "value"), values.columns[0]
        )
        p_name = paint_sources.p_column_for(values, first.name)
        self.paint_table_column(values.path.name, first.name, p_name)

    def paint_table_column(self, table: str, name: str, p_name: str | None) -> None:
        """Paint a column of a table that was read, with its p-values for thresholds."""
        self._paint_first([paint_sources.column_of_table(self.tables[table], name, p_name)])

    def paint_size(self) -> None:
        """Paint the number of voxels of each PSC."""
        if self._scene.atlas is not None:
            self._paint_first([paint_sources.size_column(self._scene.atlas)])

    def paint_inflation(self, run: str) -> None:
        """Paint the genomic inflation of each PSC in a GWAS."""
        self._read(lambda study: [paint_sources.inflation_column(study, run)])

    def paint_variant(self, run: str, name: str, *, p_values: bool = False) -> None:
        """Paint a variant's effect on each PSC, or its -log10 p."""

        def read(study: Study) -> list[PscColumn]:
            columns = paint_sources.variant_columns(study, run, name)
            return columns[::-1] if p_values else columns

        self._read(read)

    def paint_participant(
        self,
        table: str,
        participant: tuple[str, str],
        *,
        z_score: bool = True,
        group: tuple[str, str] | None = None,
    ) -> None:
        """Paint what one participant has, or how far it lies from the others or from a group."""
        read = partial(
            paint_sources.participant_column,
            name=table,
            participant=participant,
            z_score=z_score,
            group=group,
        )
        self._read(lambda study: [read(study)])

    def paint_difference(self, table: str, column: str, first: str, second: str) -> None:
        """Paint how two groups of participants differ."""
        self._read(
            lambda study: [paint_sources.difference_column(study, table, column, first, second)]
        )

    def load_choices(self, table: str, on_done: Callable[[CohortChoices], None]) -> None:
        """Read which participants and groups a PSC table has, and hand them to ``on_done``."""
        self._reader.read_from_study(
            lambda study: paint_sources.cohort_choices(study, table), on_done, topic="choices"
        )

    def _read(self, read: Callable[[Study], list[PscColumn]]) -> None:
        self._reader.read_from_study(read, self._paint_first, topic="column to paint")

    def _paint_first(self, columns: list[PscColumn]) -> None:
        """Offer columns, and paint the first of them."""
        offered = self._columns()
        named = []
        for column in columns:
            other = offered.get(column.title)
            if other is not None and other.source != column.source:
                column = replace(column, title=f"{column.title} ({column.source})")
            named.append(column)
        self._offer(named)
        self._show(self._columns()[named[0].title])

    def _show(self, column: PscColumn) -> None:
        """Paint a column, at the nearest scale that it has values of."""
        scene = self._scene
        atlas, shown = scene.atlas, scene.scale
        if atlas is not None and shown is not None:
            scales = {parse_psc_name(name)[0] for name in column.values} & set(atlas.scales)
            if scales and shown not in scales:
                scene.set_scale(min(scales, key=lambda scale: (abs(scale - shown), scale)))
        scene.painted = column

    # -- how it is painted -----------------------------------------------------------------

    def restyle(self, **changes: Any) -> None:
        """Change fields of the painted column's `PaintStyle`.

        Raises
        ------
        InputError
            If a range of one's own does not go up.
        """
        column = self._scene.painted
        if column is None:
            return
        style: PaintStyle = replace(column.style, **changes)
        if style.range_mode == "own" and not style.low < style.high:
            raise InputError(f"the range from {style.low:g} to {style.high:g} does not go up")
        if style == column.style:
            return
        styled = replace(column, style=style)
        columns = self._columns()
        if columns.get(column.title) is column:
            columns[column.title] = styled
        self._scene.painted = styled

    # -- export ----------------------------------------------------------------------------

    def export(self, picture: Path, *, simulated: bool) -> None:
        """Write the painted values beside a picture that was saved; `exported` follows.

        Parameters
        ----------
        picture : Path
            The picture; the table has its name with ``.tsv``, the description with ``.json``.
        simulated : bool
            The data are made up.
        """
        painted, atlas, scale = painted_values(self._scene), self._scene.atlas, self._scene.scale
        if painted is None or atlas is None or scale is None:
            return
        self._background.request(
            lambda: export_painting(picture, painted, atlas, scale, simulated=simulated),
            lambda written: self.exported.emit((picture, *written)),
            self._failed,
        )


def _no_atlas() -> InputError:
    return InputError(
        "there is no atlas to paint on", remedy="Fit or import an atlas, then drop the table again"
    )

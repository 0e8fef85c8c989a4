"""Choose what to paint from all results and tables, with a preview."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from music_gui.state import paint_sources
from music_gui.state.dropped_files import TABLE_FILTER
from music_gui.state.psc_column import PscColumn
from music_gui.state.session import Session
from music_gui.views.painting.column_preview import ColumnPreview
from music_gui.views.painting.paint_forms import DifferenceForm, ParticipantForm, VariantForm
from music_gui.views.widgets.colored_label import ColoredLabel
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.simulated_badge import SimulatedBadge

_ENTRY = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)
class _Entry:
    """What stands in the list.

    Parameters
    ----------
    show : callable
        Shows its page.
    paint : callable
        Paints it.
    """

    show: Callable[[], None]
    paint: Callable[[], None]


class PaintChooser(QDialog):
    """Lists everything that can be painted; stays open beside the brain.

    Parameters
    ----------
    session : Session
        Whose results and tables are listed.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._painting = session, session.painting
        self.setWindowTitle("Paint on the brain")
        self.resize(640, 460)
        self.filter = QLineEdit(clearButtonEnabled=True, placeholderText="Filter")
        self.filter.setAccessibleName("Filter what can be painted")
        self.filter.textChanged.connect(self._apply_filter)
        self.list = QListWidget()
        self.list.setAccessibleName("What can be painted")
        self.list.currentItemChanged.connect(self._show_entry)
        self.list.itemActivated.connect(lambda _: self.paint())
        self.preview = ColumnPreview()
        self.p_values = QComboBox()
        self.p_values.setAccessibleName("P values for thresholds")
        self.p_values.activated.connect(lambda _: self._show_table_column())
        self._p_row = QWidget()
        self._table = ("", "")
        self.variant = VariantForm(session.painting, session.association)
        self.participant = ParticipantForm(session.painting)
        self.difference = DifferenceForm(session.painting)
        self.pages = QStackedWidget()
        for page in (self._make_preview_page(), self.variant, self.participant, self.difference):
            self.pages.addWidget(page)
        self._hint = ColoredLabel(
            "Choose a result at the left, or drop a table on the brain: a row a PSC, or a column "
            "a PSC."
        )
        self._hint.setWordWrap(True)
        self._lay_out()
        for changed in (
            session.columns_changed, session.catalog_changed, session.painting.tables_changed,
            session.scene.events.atlas, session.scene.events.scale,
        ):  # fmt: skip
            follow(self, changed, self._fill)
        self._fill()

    def _make_preview_page(self) -> QWidget:
        page = QWidget()
        row = QHBoxLayout(self._p_row)
        row.setContentsMargins(0, 0, 0, 0)
        label = QLabel("P values")
        label.setBuddy(self.p_values)
        row.addWidget(label)
        row.addWidget(self.p_values, 1)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.preview, 1)
        layout.addWidget(self._p_row)
        return page

    def _lay_out(self) -> None:
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.paint_button = QPushButton("Paint")
        self.open_button = QPushButton("Open table…")
        self.buttons.addButton(self.paint_button, QDialogButtonBox.ButtonRole.ActionRole)
        self.buttons.addButton(self.open_button, QDialogButtonBox.ButtonRole.ResetRole)
        self.open_button.setAutoDefault(False)
        self.paint_button.setDefault(True)
        self.paint_button.clicked.connect(self.paint)
        self.open_button.clicked.connect(self._ask_for_table)
        self.buttons.rejected.connect(self.close)
        left, right, columns = QVBoxLayout(), QVBoxLayout(), QHBoxLayout()
        left.addWidget(self.filter)
        left.addWidget(self.list, 1)
        right.addWidget(self.pages, 1)
        right.addWidget(SimulatedBadge(self._session), alignment=Qt.AlignmentFlag.AlignLeft)
        right.addWidget(self._hint)
        columns.addLayout(left, 2)
        columns.addSpacing(8)
        columns.addLayout(right, 3)
        layout = QVBoxLayout(self)
        layout.addLayout(columns, 1)
        layout.addWidget(self.buttons)

    # -- the list --------------------------------------------------------------------------

    def _fill(self, *_: Any) -> None:
        """List everything anew, keeping what was chosen."""
        current = self.list.currentItem()
        chosen = current.text() if current is not None else ""
        self.list.blockSignals(True)
        self.list.clear()
        self._add_group(
            "In use", [(title, self._offered(title)) for title in self._session.columns]
        )
        if self._session.scene.atlas is not None:
            self._add_group("Atlas", [("Voxels", self._sizes())])
        for run in self._session.catalog.gwas_runs:
            self._add_group(f"GWAS {run}", [
                ("One variant…", _Entry(lambda run=run: self._ask_variant(run),
                                        self.variant.paint)),
                ("Genomic inflation λ", self._inflation(run)),
            ])  # fmt: skip
        for table in self._session.catalog.psc_tables:
            self._add_group(f"PSC table {table}", [
                ("One participant…", self._choice(table, self.participant)),
                ("Difference of two groups…", self._choice(table, self.difference)),
            ])  # fmt: skip
        for name, values in self._painting.tables.items():
            self._add_group(name, [
                (column.name, self._table_entry(name, column.name)) for column in values.columns
            ])  # fmt: skip
        self.list.blockSignals(False)
        self._apply_filter()
        found = self.list.findItems(chosen, Qt.MatchFlag.MatchExactly) if chosen else []
        usable = [item for item in found if item.data(_ENTRY) is not None]
        self.list.setCurrentItem(usable[0] if usable else self._first())
        self._show_entry()

    def _add_group(self, title: str, entries: list[tuple[str, _Entry]]) -> None:
        if not entries:
            return
        header = QListWidgetItem(title)
        header.setFlags(Qt.ItemFlag.NoItemFlags)
        font = QFont(self.list.font())
        font.setBold(True)
        header.setFont(font)
        self.list.addItem(header)
        for text, entry in entries:
            item = QListWidgetItem(f"   {text}")
            item.setData(_ENTRY, entry)
            self.list.addItem(item)

    def _first(self) -> QListWidgetItem | None:
        items = (self.list.item(row) for row in range(self.list.count()))
        return next((item for item in items if item.data(_ENTRY) is not None), None)

    def _apply_filter(self) -> None:
        """Hide what does not hold the words, and groups with nothing left."""
        words, header, n_left = self.filter.text().lower().split(), None, 0
        for row in range(self.list.count()):
            item = self.list.item(row)
            if item.data(_ENTRY) is None:
                if header is not None:
                    header.setHidden(n_left == 0)
                header, n_left = item, 0
                continue
            text = f"{header.text() if header is not None else ''} {item.text()}".lower()
            item.setHidden(not all(word in text for word in words))
            n_left += not item.isHidden()
        if header is not None:
            header.setHidden(n_left == 0)

    # -- entries ---------------------------------------------------------------------------

    def _offered(self, title: str) -> _Entry:
        return _Entry(
            lambda: self._show_column(lambda: self._session.columns[title]),
            lambda: self._session.paint(title),
        )

    def _sizes(self) -> _Entry:
        def make() -> PscColumn:
            return paint_sources.size_column(self._session.scene.atlas)

        return _Entry(lambda: self._show_column(make), self._painting.paint_size)

    def _inflation(self, run: str) -> _Entry:
        def show() -> None:
            self._show_words(f"How much the test statistics of each PSC are inflated in {run}.")

        return _Entry(show, lambda: self._painting.paint_inflation(run))

    def _choice(self, table: str, form: ParticipantForm | DifferenceForm) -> _Entry:
        def show() -> None:
            self.pages.setCurrentWidget(form)
            self._painting.load_choices(table, form.show_choices)

        return _Entry(show, form.paint)

    def _table_entry(self, table: str, name: str) -> _Entry:
        def show() -> None:
            values = self._painting.tables[table]
            guessed = paint_sources.p_column_for(values, name)
            self._table = (table, name)
            self.p_values.clear()
            self.p_values.addItem("None", None)
            for column in values.columns:
                if column.quantity == "neg_log_10_p" and column.name != name:
                    self.p_values.addItem(column.name, column.name)
            self.p_values.setCurrentIndex(max(self.p_values.findData(guessed), 0))
            self._show_table_column()

        def paint() -> None:
            self._painting.paint_table_column(table, name, self.p_values.currentData())

        return _Entry(show, paint)

    def _show_table_column(self) -> None:
        table, name = self._table
        p_name = self.p_values.currentData()
        values = self._painting.tables[table]
        self._show_column(lambda: paint_sources.column_of_table(values, name, p_name))
        self._p_row.setVisible(self.p_values.count() > 1)

    def _ask_variant(self, run: str) -> None:
        self.variant.show_run(run)
        self.pages.setCurrentWidget(self.variant)

    # -- pages -----------------------------------------------------------------------------

    def _show_entry(self, *_: Any) -> None:
        item = self.list.currentItem()
        entry = item.data(_ENTRY) if item is not None else None
        self.pages.setVisible(entry is not None)
        self.paint_button.setEnabled(entry is not None)
        if entry is not None:
            entry.show()

    def _show_column(self, make: Callable[[], PscColumn]) -> None:
        scene = self._session.scene
        if scene.atlas is not None and scene.scale is not None:
            self.preview.show_column(make(), scene.atlas, scene.scale)
        self._p_row.hide()
        self.pages.setCurrentIndex(0)

    def _show_words(self, words: str) -> None:
        self.preview.show_words(words)
        self._p_row.hide()
        self.pages.setCurrentIndex(0)

    # -- what the buttons do ---------------------------------------------------------------

    def paint(self) -> None:
        """Paint what is chosen."""
        item = self.list.currentItem()
        if item is not None and item.data(_ENTRY) is not None:
            item.data(_ENTRY).paint()

    def _ask_for_table(self) -> None:
        settings = self._session.settings
        chosen, _ = QFileDialog.getOpenFileName(
            self, "Open a table with values of PSCs", settings.last_folder, TABLE_FILTER
        )
        if chosen:
            settings.last_folder = str(Path(chosen).parent)
            self._painting.open_table(Path(chosen))

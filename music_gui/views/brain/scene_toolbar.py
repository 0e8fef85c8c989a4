"""What is shown in the brain views: atlas, scale, colours, glass brain."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QMenu, QSizePolicy, QWidget

from music_gui.state.session import Session
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icon_button import IconButton

_OWN_COLORS = "PSC colours"


class SceneToolbar(QWidget):
    """A line of controls that change the scene's state.

    Parameters
    ----------
    session : Session
        Its scene is changed and followed.

    Signals
    -------
    picture_wanted()
        The user wants to save a picture of the view below.
    chooser_wanted()
        The user wants to choose what to paint from everything there is.
    cuts_toggled(shown)
        The user wants to see the controls of cuts and glass, or no longer.
    """

    picture_wanted = Signal()
    chooser_wanted = Signal()
    cuts_toggled = Signal(bool)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._scene = session, session.scene
        self._atlas = self._combo("Atlas", 64)
        self._scale = self._combo("Scale: number of components asked for", 74)
        self._color = self._combo("What colours the PSCs", 96)
        self._coarser = IconButton(
            "mdi6.minus", "Coarser scale (Ctrl+[)", lambda: self._scene.step_scale(-1)
        )
        self._finer = IconButton(
            "mdi6.plus", "Finer scale (Ctrl+])", lambda: self._scene.step_scale(1)
        )
        self._ghost = IconButton(
            "mdi6.ghost-outline",
            "Show the selected PSCs alone in a glass brain (G)",
            self._set_ghost,
        )
        self._ghost.setCheckable(True)
        self._undo = IconButton("mdi6.undo", "Undo hiding (U)", self._scene.undo_hiding)
        self._all = IconButton(
            "mdi6.eye-outline", "Show hidden PSCs again (Shift+H)", self._scene.show_all
        )
        self._cuts = IconButton(
            "mdi6.box-cutter", "Cut the brain open; the glass around it",
            lambda: self.cuts_toggled.emit(self._cuts.isChecked()),
        )  # fmt: skip
        self._cuts.setCheckable(True)
        reset = IconButton(
            "mdi6.image-filter-center-focus", "Reset all brain views (Home)",
            self._scene.view_reset.emit,
        )  # fmt: skip
        self._views = IconButton(
            "mdi6.bookmark-multiple-outline", "Saved views; this view as a script",
            lambda: self._views.showMenu(),
        )  # fmt: skip
        picture = IconButton("mdi6.camera-outline", "Save picture…", self.picture_wanted.emit)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.setSpacing(4)
        for widget in (self._atlas, self._coarser, self._scale, self._finer):
            layout.addWidget(widget)
        layout.addSpacing(8)
        label = QLabel("Colour by")
        label.setBuddy(self._color)
        layout.addWidget(label)
        layout.addWidget(self._color)
        layout.addWidget(
            IconButton(
                "mdi6.palette-outline",
                "Paint… choose from all results and tables, with a preview",
                self.chooser_wanted.emit,
            )
        )
        layout.addStretch(1)
        for widget in (
            self._undo, self._all, self._cuts, self._ghost, reset, self._views, picture,
        ):  # fmt: skip
            layout.addWidget(widget)
        self._atlas.activated.connect(self._choose_atlas)
        self._scale.activated.connect(self._choose_scale)
        self._color.activated.connect(self._choose_color)
        self._follow_state()

    def set_views_menu(self, menu: QMenu) -> None:
        """Show a menu under the button of the saved views."""
        self._views.setMenu(menu)

    def _combo(self, name: str, width: int) -> QComboBox:
        combo = QComboBox()
        combo.setAccessibleName(name)
        combo.setToolTip(name)
        combo.setMinimumWidth(width)
        combo.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        return combo

    # -- from the user to the state --------------------------------------------------------

    def _choose_atlas(self, index: int) -> None:
        self._session.show_atlas(self._atlas.itemText(index))

    def _choose_scale(self, index: int) -> None:
        self._scene.set_scale(self._scale.itemData(index))

    def _choose_color(self, index: int) -> None:
        self._session.paint(self._color.itemData(index))

    def _set_ghost(self) -> None:
        self._scene.ghost = self._ghost.isChecked()

    # -- from the state to the controls ----------------------------------------------------

    def _follow_state(self) -> None:
        events = self._scene.events
        follow(self, self._session.catalog_changed, self._show_atlases)
        follow(self, events.atlas, self._show_atlases)
        follow(self, events.atlas, self._show_scales)
        follow(self, events.scale, self._show_scales)
        follow(self, self._session.columns_changed, self._show_colors)
        follow(self, events.painted, self._show_colors)
        follow(self, events.ghost, self._show_ghost)
        follow(self, self._session.view_3d.events.cuts, self._show_cuts)
        for changed in (events.hidden, events.scale, events.atlas):
            follow(self, changed, self._show_hidden)
        self._show_atlases()
        self._show_scales()
        self._show_colors()
        self._show_hidden()
        self._show_ghost(self._scene.ghost)
        self._show_cuts(self._session.view_3d.cuts)

    def _show_atlases(self, *_: Any) -> None:
        shown = self._scene.atlas.name if self._scene.atlas else None
        names = list(self._session.catalog.atlases)
        if shown is not None and shown not in names:
            names.append(shown)
        _fill(self._atlas, [(name, name) for name in names], shown)
        self._atlas.setVisible(len(names) > 0)

    def _show_scales(self, *_: Any) -> None:
        scales = sorted(self._scene.atlas.scales) if self._scene.atlas else []
        _fill(self._scale, [(f"C = {scale}", scale) for scale in scales], self._scene.scale)
        self._scale.setEnabled(bool(scales))
        self._coarser.setEnabled(bool(scales) and self._scene.scale != scales[0])
        self._finer.setEnabled(bool(scales) and self._scene.scale != scales[-1])

    def _show_colors(self, *_: Any) -> None:
        painted = self._scene.painted
        titles = list(self._session.columns)
        if painted is not None and painted.title not in titles:
            titles.append(painted.title)
        entries: list[tuple[str, Any]] = [(_OWN_COLORS, None), *((t, t) for t in titles)]
        _fill(self._color, entries, painted.title if painted else None)

    def _show_ghost(self, ghost: bool) -> None:
        self._ghost.setChecked(ghost)

    def _show_cuts(self, cuts: tuple[Any, ...]) -> None:
        """Show the controls with the first cut, which a saved view may have made."""
        if cuts and not self._cuts.isChecked():
            self._cuts.setChecked(True)
            self.cuts_toggled.emit(True)

    def _show_hidden(self, *_: Any) -> None:
        atlas, scale = self._scene.atlas, self._scene.scale
        names = atlas.scales[scale].names if atlas is not None and scale is not None else ()
        self._all.setVisible(not self._scene.hidden.isdisjoint(names))
        self._undo.setVisible(self._scene.can_undo_hiding)


def _fill(combo: QComboBox, entries: list[tuple[str, Any]], chosen: Any) -> None:
    """Put entries (text, data) into a combo box, without its telling the state."""
    with QSignalBlocker(combo):
        combo.clear()
        for text, data in entries:
            combo.addItem(text, data)
        combo.setCurrentIndex(next((i for i, e in enumerate(entries) if e[1] == chosen), -1))

"""The atlas of a fit in small: while it runs as it stands, afterwards as it was finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QBoxLayout, QPushButton, QSizePolicy, QWidget

from music_gui.state.fit_previews import AtlasPreview
from music_gui.state.fit_run import FitRun
from music_gui.state.label_picture import LabelPlane
from music_gui.views.convergence.label_picture import LabelPicture
from music_gui.views.widgets.elided_label import ElidedLabel
from music_gui.views.widgets.follow import follow

if TYPE_CHECKING:
    from music_gui.state.session import Session


class AtlasBox(QWidget):
    """A picture, what it is, and the button that shows it in the brain views.

    Takes no place while there is nothing to show.

    Parameters
    ----------
    session : Session
        Its previews and pictures are shown.
    letter : str
        Under which the fit stands in the plots; may be empty.
    """

    def __init__(self, session: Session, letter: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._letter = session, letter
        self._run: FitRun | None = None
        self._preview: AtlasPreview | None = None
        self.picture = LabelPicture()
        self.caption = ElidedLabel(color="muted")
        self.button = QPushButton("Show in the brain")
        self.button.clicked.connect(self._on_button)
        self.button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._words = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._words.setSpacing(6)
        self._words.addWidget(self.caption, 1)
        self._words.addWidget(self.button)
        self._layout = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._layout.setContentsMargins(8, 6, 8, 6)
        self._layout.setSpacing(6)
        self._layout.addWidget(self.picture, 100)
        self._layout.addLayout(self._words)
        self._layout.addStretch(1)
        follow(self, session.previews.changed, lambda _: self._refresh())
        follow(self, session.previews.brain_changed, lambda _: self._show_button())
        follow(self, session.pictures.changed, self._refresh)
        follow(self, session.scene.events.radiological, lambda _: self._refresh())
        self.hide()

    @property
    def preview(self) -> AtlasPreview | None:
        """The atlas under way that is shown; None while a finished one or nothing is."""
        return self._preview

    def set_low(self, *, low: bool) -> None:
        """Put the words beside the picture, which takes less height, or under it."""
        beside, under = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._layout.setDirection(beside if low else under)
        self._words.setDirection(under if low else beside)

    def show_run(self, run: FitRun | None) -> None:
        """Show the atlas of a fit, or nothing."""
        before, self._run = self._run, run
        is_new = run is not None and (before is None or before.key != run.key)
        if run is not None and is_new and run.job_id and not run.is_finished:
            self._session.previews.load(run.job_id)
        self._refresh()

    def _refresh(self) -> None:
        run, session = self._run, self._session
        preview: AtlasPreview | None = None
        planes: tuple[LabelPlane, ...] = ()
        caption = ""
        if run is not None and run.scale is not None:
            if run.is_finished and run.atlas:
                planes = session.pictures.of(run.atlas, run.scale)
                caption = f"C{run.scale}, finished"
            elif run.job_id:
                preview = session.previews.of(run.job_id, run.scale)
                planes = () if preview is None else preview.planes
                caption = "" if preview is None else preview.title
        self._preview = preview
        self.setVisible(bool(planes))
        if planes and run is not None and run.scale is not None:
            self.caption.setText(f"{self._letter}: {caption}" if self._letter else caption)
            self.picture.setAccessibleName(f"Slices through {caption}")
            self.picture.show_planes(planes, run.scale, radiological=session.scene.radiological)
            self._show_button()

    def _show_button(self) -> None:
        shown = self._session.previews.in_brain
        is_shown = shown is not None and self._is_preview(shown)
        self.button.setText("Hide in the brain" if is_shown else "Show in the brain")
        self.button.setToolTip(
            "Show the finished atlas in the slices and in 3D"
            if self._preview is None
            else "Show the study's atlas in the slices again"
            if is_shown
            else "Show the atlas in the slices as it forms"
        )

    def _is_preview(self, shown: AtlasPreview) -> bool:
        mine = self._preview
        return mine is not None and (mine.job_id, mine.scale) == (shown.job_id, shown.scale)

    def _on_button(self) -> None:
        previews, run = self._session.previews, self._run
        if self._preview is not None:
            shown = previews.in_brain
            is_shown = shown is not None and self._is_preview(shown)
            self._session.scene.pscs_in_slices = True
            previews.show_in_brain(None if is_shown else self._preview)
        elif run is not None and run.atlas:
            previews.show_in_brain(None)
            self._session.show_atlas(run.atlas, run.scale)

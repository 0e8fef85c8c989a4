"""Small pictures of the study's finished atlases."""

from __future__ import annotations

from psygnal import Signal

from music_gui.core.errors import MusicError
from music_gui.io.study import Study
from music_gui.state.label_picture import LabelPlane, PictureFrame
from music_gui.state.slice_sampler import SliceSampler
from music_gui.state.study_reader import StudyReader


class AtlasPictures:
    """Slices through scales of the study's atlases, each read when it is first wanted.

    Parameters
    ----------
    reader : StudyReader
        Reads the label images.

    Signals
    -------
    changed()
        A picture has been read, or all are out of date.
    """

    changed = Signal()

    def __init__(self, reader: StudyReader) -> None:
        self._reader = reader
        self._pictures: dict[tuple[str, int], tuple[LabelPlane, ...]] = {}
        self._asked: set[tuple[str, int]] = set()

    def of(self, atlas: str, scale: int) -> tuple[LabelPlane, ...]:
        """Return three slices through a scale; empty, and `changed` later, until they are read."""
        key = (atlas, scale)
        if key not in self._asked:
            self._asked.add(key)

            def show(planes: tuple[LabelPlane, ...]) -> None:
                if key in self._asked and planes:
                    self._pictures[key] = planes
                    self.changed.emit()

            self._reader.read_from_study(
                lambda study: _read(study, atlas, scale), show, topic=f"picture {key}"
            )
        return self._pictures.get(key, ())

    def forget(self) -> None:
        """Read all again: the study holds something new, or is another one."""
        self._asked.clear()
        self._pictures.clear()
        self.changed.emit()


def _read(study: Study, atlas: str, scale: int) -> tuple[LabelPlane, ...]:
    """Cut the slices; none where there is no such scale (any more)."""
    from music_gui.io.nifti import read_labels

    try:
        for path in sorted(study.atlas(atlas).glob(f"[!.]*_scale-C{scale}_dseg.nii.gz")):
            labels, grid = read_labels(path)
            if labels.any():
                return PictureFrame.of(labels > 0, grid).cut(SliceSampler(labels, grid))
    except MusicError:  # the atlas itself says so where it is shown
        pass
    return ()

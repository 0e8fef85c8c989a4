"""What the user asks for that needs a dialog first; the answer goes to the session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QUrl
from PySide6.QtGui import QAction, QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMessageBox

from music_gui.core.errors import InputError
from music_gui.jobs.job import JobState
from music_gui.state.dropped_files import TABLE_FILTER, image_in, import_values, study_in
from music_gui.views.help_windows import GuideWindow, KeyboardMap, about
from music_gui.views.jobs.step_dialog import StepDialog
from music_gui.views.main_window import MainWindow
from music_gui.views.search.search_box import SearchBox
from music_gui.views.study_folder_dialog import StudyFolderDialog
from music_gui.views.widgets.follow import follow

if TYPE_CHECKING:
    from music_gui.state.session import Session
    from music_gui.state.step_form import StepForm


class Commands(QObject):
    """Opens dialogs over the main window and hands their answers to the session.

    Parameters
    ----------
    window : MainWindow
        Over which dialogs open.
    session : Session
        What is asked to do it.
    """

    def __init__(self, window: MainWindow, session: Session) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self.search_box = SearchBox(session, window)
        follow(self, session.step_requested, self._open_step_dialog)
        follow(self, session.failed, lambda _: self._set_busy(False))
        follow(self, session.scene.events.overlay, self._bring_slices)
        window.files_dropped.connect(self.take_dropped)

    # -- studies ---------------------------------------------------------------------------

    def new_study(self) -> StudyFolderDialog:
        """Ask for name and folder of a new study, and make it."""
        dialog = StudyFolderDialog(
            "New study",
            "A study is an ordinary folder that holds maps, atlas, tables, results and jobs. "
            "Everything is saved as it is made.",
            "Make the study",
            self._home() / "my-study",
            "My study",
            self._window,
        )
        dialog.chosen.connect(self._session.new_study)
        dialog.open()
        return dialog

    def open_study(self) -> None:
        """Ask for a study's folder and open it."""
        chosen = QFileDialog.getExistingDirectory(
            self._window, "Open a study (the folder that holds study.json)", str(self._home())
        )
        if chosen:
            self._session.settings.last_folder = str(Path(chosen).parent)
            self._session.open_study(Path(chosen))

    def open_recent(self, root: str) -> None:
        """Open a study that was open before."""
        self._session.open_study(Path(root))

    def open_example(self) -> StudyFolderDialog:
        """Ask where the example study shall stand, make it and run the main job on it."""
        dialog = StudyFolderDialog(
            "Open the example study",
            "240 simulated brains are made and analysed from import to SPARE on this computer; "
            "the panels fill as the jobs finish.",
            "Make and open",
            _free(Path.home() / "music-gui-example"),
            "Example (simulated)",
            self._window,
        )
        dialog.chosen.connect(self._session.make_example)
        dialog.open()
        return dialog

    def open_image(self) -> None:
        """Ask for an image and show it on the template."""
        chosen, _ = QFileDialog.getOpenFileName(
            self._window,
            "Open an image (it is shown on the template, not imported)",
            str(self._home()),
            "NIfTI images (*.nii *.nii.gz)",
        )
        if chosen:
            self._session.settings.last_folder = str(Path(chosen).parent)
            self._session.show_map(Path(chosen))

    def open_table(self) -> None:
        """Ask for a table with values of PSCs and paint it."""
        chosen, _ = QFileDialog.getOpenFileName(
            self._window, "Paint a table with values of PSCs", str(self._home()), TABLE_FILTER
        )
        if chosen:
            self._session.settings.last_folder = str(Path(chosen).parent)
            self._session.painting.open_table(Path(chosen))

    def paint(self) -> None:
        """Open the list of everything that can be painted, over the 3D panel."""
        self._window.docks.raise_dock("scene")
        # The dock is empty until its panel is made, or holds a message where VTK does not load.
        open_chooser = getattr(self._window.docks.widget("scene"), "open_chooser", None)
        if open_chooser is not None:
            open_chooser()

    def show_folder(self) -> None:
        """Show the study's folder in the desktop's file browser."""
        if self._session.study is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._session.study.root)))

    def _home(self) -> Path:
        last = self._session.settings.last_folder
        return Path(last) if last and Path(last).is_dir() else Path.home()

    # -- steps and jobs --------------------------------------------------------------------

    def open_step(self, step: str) -> None:
        """Ask for the dialog of a step; that of an export is about what is shown."""
        self._session.request_step(step, self._shown() if step == "export-components" else None)

    def _shown(self) -> dict[str, Any]:
        """Return the atlas and scale that are shown, if the study has their components."""
        study, scene = self._session.study, self._session.scene
        if study is None or scene.atlas is None or scene.scale is None:
            return {}
        if not study.decomposition(scene.atlas.name, scene.scale).is_dir():
            return {}
        return {"atlas": scene.atlas.name, "scales": [scene.scale]}

    def _open_step_dialog(self, step: str, values: dict[str, Any]) -> None:
        def open_dialog(form: StepForm) -> None:
            self._set_busy(False)
            StepDialog(form, self._session, values, self._window).open()

        self._set_busy(True)
        self._session.load_step_form(step, open_dialog)

    def _set_busy(self, busy: bool) -> None:
        if busy:
            self._window.setCursor(Qt.CursorShape.BusyCursor)
        else:
            self._window.unsetCursor()

    def score_subject(self) -> StudyFolderDialog | None:
        """Ask for a subject to score, and first for a study that keeps the scores."""
        if self._session.study is not None:
            self._session.request_step("spare-score")
            return None
        dialog = StudyFolderDialog(
            "Score a subject",
            "Scores are kept in a study. Make one here and choose a model file (.spare.json) "
            "next; or cancel, and open the study that holds the model.",
            "Make it and go on",
            self._home() / "music-gui-scores",
            "Scores",
            self._window,
        )
        dialog.chosen.connect(self._session.score_in_new_study)
        dialog.open()
        return dialog

    def take_dropped(self, paths: Sequence[Path]) -> None:
        """Open a dropped study, or the import of dropped maps; ask what a single map is for."""
        try:
            root, image = study_in(paths), image_in(paths)
            if root is not None:
                self._session.open_study(root)
            elif image is not None and self._session.catalog.spare_models:
                self._ask_what_for(image)
            else:
                self._session.request_step("import-maps", import_values(paths))
        except InputError as error:
            self._session.failed.emit(error)

    def _ask_what_for(self, image: Path) -> None:
        """Let the user choose between what can be done with one map."""
        session = self._session
        choices: tuple[tuple[str, Callable[[], None]], ...] = (
            (
                "&Score this subject",
                lambda: session.request_step("spare-score", {"map": str(image)}),
            ),
            ("&Import it", lambda: session.request_step("import-maps", import_values([image]))),
            ("Show it on the &template", lambda: session.show_map(image)),
        )
        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("One map")
        box.setTextFormat(Qt.TextFormat.PlainText)  # a name of a file may look like HTML
        box.setText(f"What shall be done with {image.name}?")
        for text, call in choices:
            box.addButton(text, QMessageBox.ButtonRole.ActionRole).clicked.connect(call)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.open()

    def _bring_slices(self, overlay: Any) -> None:
        """Bring the slices to the front when a map is shown in them."""
        if overlay is not None:
            self._window.docks.raise_dock("slices")

    def search(self) -> None:
        """Open the search box."""
        self.search_box.open()

    def show_jobs(self) -> None:
        """Bring the job panel to the front."""
        self._window.docks.raise_dock("jobs")

    def cancel_all(self) -> None:
        """Cancel all jobs that run or wait."""
        for job in self._session.jobs.jobs:
            if not job.state.is_final:
                self._session.cancel(job.spec.job_id)

    def retry_failed(self) -> None:
        """Queue again all jobs that failed or were lost."""
        for job in self._session.jobs.jobs:
            if job.state in (JobState.FAILED, JobState.LOST):
                self._session.retry(job.spec.job_id)

    # -- help ------------------------------------------------------------------------------

    def show_guide(self) -> None:
        """Open the guide."""
        GuideWindow(self._window).show()

    def show_keys(self, actions: Sequence[QAction]) -> None:
        """List all shortcuts."""
        KeyboardMap(actions, self._window).show()

    def show_about(self) -> None:
        """Say what the application is."""
        about(self._window).open()


def _free(folder: Path) -> Path:
    """Return the folder, or one of a similar name that does not exist yet."""
    number, free = 1, folder
    while free.exists():
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    return free

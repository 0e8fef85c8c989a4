"""One open study: what the window shows follows from here, what the user asks for comes here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from psygnal import Signal

from music_gui.core.errors import JobError
from music_gui.io.study import Study
from music_gui.jobs.events import Event
from music_gui.jobs.job import JobSnapshot
from music_gui.jobs.runner import JobRunner, LocalRunner
from music_gui.state import loading
from music_gui.state.anatomy import AnatomyLoading
from music_gui.state.association import AssociationResult, AssociationState
from music_gui.state.atlas_pictures import AtlasPictures
from music_gui.state.background import Background
from music_gui.state.brain_loading import BrainLoading
from music_gui.state.brain_scene import BrainScene
from music_gui.state.catalog import Catalog, read_catalog
from music_gui.state.cohort import CohortState
from music_gui.state.convergence import ConvergenceState
from music_gui.state.fit_previews import FitPreviews
from music_gui.state.job_list import JobList
from music_gui.state.own_results import OwnResults
from music_gui.state.painting import Painting
from music_gui.state.psc_column import PscColumn
from music_gui.state.region_surfaces import RegionSurfaces
from music_gui.state.saved_views import SavedViews
from music_gui.state.scale_choice import ScaleChoice
from music_gui.state.scale_ladder import ScaleLadder
from music_gui.state.search import make_search
from music_gui.state.settings import Settings
from music_gui.state.spare import SpareState
from music_gui.state.step_form import StepForm, load_step_form
from music_gui.state.study_reader import StudyReader
from music_gui.state.view_3d import View3D

T = TypeVar("T")

RunnerFactory = Callable[[Path, Callable[[JobSnapshot, list[Event]], None], Settings], JobRunner]


def local_runner(
    jobs: Path, on_change: Callable[[JobSnapshot, list[Event]], None], settings: Settings
) -> JobRunner:
    """Make the runner of this machine."""
    return LocalRunner(
        jobs, on_change, max_running=settings.max_running, threads=settings.threads or None
    )


def _take_no_notice(answer: object) -> None:
    """Do nothing: what was asked for shows in the job list."""


class Session:
    """The open study and the state of all views.

    Parameters
    ----------
    background : Background
        Reads files off the UI thread.
    settings : Settings
        What is remembered.
    runner_factory : callable
        Makes the study's job runner.

    Signals
    -------
    study_changed(study)
        Another study, or None, is open.
    catalog_changed(catalog)
        The study holds something new.
    columns_changed(columns)
        The values that can be painted on the PSCs have changed.
    step_requested(step, values)
        The user wants to run a step: its dialog is to be shown, filled in with values.
    failed(error)
        Something the user asked for could not be done.
    """

    study_changed = Signal(object)
    catalog_changed = Signal(object)
    columns_changed = Signal(dict)
    step_requested = Signal(str, dict)
    failed = Signal(object)

    def __init__(
        self,
        background: Background,
        settings: Settings,
        runner_factory: RunnerFactory = local_runner,
    ) -> None:
        self.background = background
        self.settings = settings
        self.scene = BrainScene(radiological=settings.radiological)
        self.view_3d = View3D()
        self.association = AssociationState()
        self.spare = SpareState()
        self.cohort = CohortState()
        self.jobs = JobList()
        self._own = OwnResults()
        self.study: Study | None = None
        self.catalog = Catalog()
        self.columns: dict[str, PscColumn] = {}
        self._runner_factory = runner_factory
        self._runner: JobRunner | None = None
        self._reader = StudyReader(background, lambda: self.study, self.failed.emit)
        self.previews = FitPreviews(self.jobs, self._reader)
        self.pictures = AtlasPictures(self._reader)
        self.convergence = ConvergenceState(self.jobs, self._reader, settings, self.load_metrics)
        self.scale_choice = ScaleChoice(self.jobs, self._reader)
        self._region_surfaces = RegionSurfaces(self.scene, background)
        self._brain = BrainLoading(self.scene, self._reader)
        self.anatomy = AnatomyLoading(
            self.scene, background, settings, self._anatomies_folder, self.failed.emit
        )
        self.search = make_search(self.scene, settings)
        self.ladder = ScaleLadder(self.scene, self._reader)
        self.painting = Painting(
            self.scene,
            self._reader,
            background,
            lambda: self.columns,
            self._add_columns,
            self.failed.emit,
        )
        self.saved_views = SavedViews(
            self.scene,
            self.view_3d,
            self._reader,
            background,
            lambda: self.study,
            lambda: self.columns,
            self._add_columns,
            self._set_atlas,
            self.failed.emit,
        )
        self.jobs.finished.connect(self._on_job_finished)
        self.catalog_changed.connect(self.pictures.forget)
        self.catalog_changed.connect(self.convergence.refresh)
        self.catalog_changed.connect(self.scale_choice.refresh)
        for changed in (self.study_changed, self.catalog_changed):
            changed.connect(self.saved_views.refresh)
        self.scene.events.selected.connect(self._on_selected)
        self.scene.events.atlas.connect(self.view_3d.on_atlas)
        self.scene.events.radiological.connect(self._remember_radiological)

    def load_template(self) -> None:
        """Read the built-in template that lies under the slices."""
        self._brain.load_template()

    def show_map(self, path: Path) -> None:
        """Show any 3-D NIfTI image on the template, without importing it; or `failed` follows."""
        self._brain.show_map(path)

    def show_participant_map(self, participant_id: str, session_id: str) -> None:
        """Show the map of a participant of the study on the template; or `failed` follows."""
        if self.study is None:
            self.failed.emit(_no_study())
        else:
            self._brain.show_participant_map(participant_id, session_id)

    def hide_map(self) -> None:
        """Show the template without a map."""
        self._brain.hide_map()

    def use_map_as_template(self) -> None:
        """Put the map that is shown in the place of the template."""
        self._brain.use_map_as_template()

    # -- studies ---------------------------------------------------------------------------

    def open_study(self, root: Path) -> None:
        """Open a study; `study_changed` follows, or `failed`."""
        self._reader.read(lambda: Study.open(root), self._show_study, topic="study")

    def new_study(self, root: Path, name: str = "") -> None:
        """Make a study and open it."""
        self._reader.read(lambda: Study.create(root, name), self._show_study, topic="study")

    def score_in_new_study(self, root: Path, name: str = "") -> None:
        """Make a study for scores alone and ask for the first subject."""

        def show(study: Study) -> None:
            self._show_study(study)
            self.request_step("spare-score")

        self._reader.read(lambda: Study.create(root, name), show, topic="study")

    def make_example(self, root: Path, name: str = "") -> None:
        """Make a study of simulated data, open it, and queue the main job on it."""

        def show(study: Study) -> None:
            self._show_study(study)
            self._ask(queue_example, self._own.add_jobs)

        self._reader.read(
            lambda: Study.create(root, name or "Example", simulated=True), show, topic="study"
        )

    def close_study(self) -> None:
        """Close the study; its running jobs go on."""
        self._forget_study()
        self.study_changed.emit(None)

    def _forget_study(self) -> None:
        if self._runner is not None:
            # Its thread may be ending a process: that is waited for off the UI thread, before
            # the next runner starts and after what was asked of this one.
            self.background.request(self._runner.stop, _take_no_notice, self.failed.emit)
            self._runner = None
        self.study = None
        self.catalog = Catalog()
        self.columns = {}
        self.jobs.clear()
        self.pictures.forget()
        self._brain.forget()
        self.painting.forget()
        self.scene.show_atlas(None)
        self.scene.painted = None
        self.scene.show_all()
        for state in (self.association, self.spare, self.cohort):
            state.reset()
        self.columns_changed.emit(self.columns)

    def _show_study(self, study: Study) -> None:
        self._forget_study()
        self.study = study
        self.settings.remember_study(study.root)
        on_change = partial(self._on_job_changed, study)
        self._runner = self._runner_factory(study.jobs, on_change, self.settings)
        self.study_changed.emit(study)
        self.background.request(self._runner.start, _take_no_notice, self.failed.emit)
        self.refresh()

    # -- jobs ------------------------------------------------------------------------------

    def request_step(self, step: str, values: dict[str, Any] | None = None) -> None:
        """Ask for the dialog of a step, filled in with values."""
        if self.study is None:
            self.failed.emit(_no_study())
        else:
            self.step_requested.emit(step, values or {})

    def load_step_form(self, step: str, on_done: Callable[[StepForm], None]) -> None:
        """Read what a step asks for, and hand it to ``on_done``."""
        self._reader.read(lambda: load_step_form(step), on_done, topic="step form")

    def load_metrics(
        self, job_id: str, on_done: Callable[[list[tuple[str, dict[str, Any]]]], None]
    ) -> None:
        """Read the numbers that a job has published, and hand them to ``on_done``."""
        self._reader.read_from_study(
            lambda study: loading.load_metrics(study, job_id), on_done, topic=f"metrics {job_id}"
        )

    def submit(self, step: str, parameters: dict[str, Any], *, title: str) -> None:
        """Queue a step as a job; it appears in `jobs`, or `failed` follows."""
        self._ask(lambda runner: [runner.submit(step, parameters, title=title)], self._own.add_jobs)

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop."""
        self._ask(lambda runner: runner.cancel(job_id))

    def retry(self, job_id: str) -> None:
        """Queue a job again that failed, was cancelled or was lost."""
        self._own.add_jobs([job_id])
        self._ask(lambda runner: runner.retry(job_id))

    def _ask(
        self,
        request: Callable[[JobRunner], T],
        on_done: Callable[[T], None] = _take_no_notice,
    ) -> None:
        """Ask the runner off the UI thread, since it writes files and may wait for a process."""
        if (runner := self._runner) is None:
            self.failed.emit(_no_study())
            return
        self.background.request(lambda: request(runner), on_done, self.failed.emit)

    def _on_job_changed(self, study: Study, snapshot: JobSnapshot, events: list[Event]) -> None:
        """Take news from the runner's thread to the UI thread."""

        def apply() -> None:
            if self.study is study:
                self.jobs.apply(snapshot, events)

        self.background.post(apply)

    def _on_job_finished(self, snapshot: JobSnapshot) -> None:
        self._own.add_results(snapshot)
        self.refresh()

    # -- results ---------------------------------------------------------------------------

    def refresh(self) -> None:
        """Look again at what the study holds and show what is new."""
        self._reader.read_from_study(read_catalog, self._show_catalog, topic="catalog")

    def _show_catalog(self, catalog: Catalog) -> None:
        before, self.catalog = self.catalog, catalog
        if catalog.has_cohort and catalog.stamps["cohort"] != before.stamps.get("cohort"):
            self._reader.read_from_study(loading.load_cohort, self._show_cohort, topic="cohort")
        for kind, shown, show in (
            ("atlases", getattr(self.scene.atlas, "name", None), self.show_atlas),
            ("psc_tables", self._shown_table(), self.show_table),
            ("gwas_runs", self.association.run, self.show_gwas),
            ("spare_models", self.spare.model_name, self.show_spare),
            ("scores", self.spare.score_id, self.show_score),
            ("anatomies", self.anatomy.chosen, self.anatomy.choose),
        ):
            changed, own = catalog.changed_since(before, kind), self._own.take(kind)
            # What others make while someone reads here is listed, and no more.
            wanted = [name for name in getattr(catalog, kind) if name in own]
            if not wanted:
                wanted = [name for name in changed if shown in (None, name)]
            if wanted:
                show(wanted[-1])
        self.catalog_changed.emit(catalog)

    def _shown_table(self) -> str | None:
        return None if self.cohort.table is None else str(self.cohort.table.sidecar.name)

    def show_atlas(self, name: str, scale: int | None = None) -> None:
        """Show one of the study's atlases in the brain views, at a scale or at that before."""
        self._reader.read_from_study(
            lambda study: loading.load_atlas(study, name),
            lambda atlas: self._set_atlas(atlas, scale),
            topic="atlas",
        )

    def _anatomies_folder(self) -> Path | None:
        return None if self.study is None else self.study.anatomies

    def show_table(self, name: str) -> None:
        """Browse one of the study's PSC tables."""

        def show(table: Any) -> None:
            self.cohort.table = table

        self._reader.read_from_study(
            lambda study: loading.load_psc_table(study, name), show, topic="table"
        )

    def show_gwas(self, run: str) -> None:
        """Browse one of the study's GWAS."""
        self.association.run = run
        self._reader.read_from_study(
            lambda study: loading.hit_columns(study, run), self._show_hits, topic="hits"
        )
        self._on_selected(self.scene.selected)

    def show_spare(self, name: str) -> None:
        """Show one of the study's SPARE models."""

        def show(result: loading.SpareResult) -> None:
            self.spare.update(
                {
                    "model_name": name,
                    "model": result.model,
                    "density": result.density,
                    "evaluation": result.evaluation,
                }
            )
            self._add_columns(result.columns)

        self._reader.read_from_study(
            lambda study: loading.load_spare(study, name), show, topic="spare"
        )

    def show_score(self, score_id: str) -> None:
        """Show one scored subject."""

        def show(score: dict[str, Any]) -> None:
            self.spare.update({"score_id": score_id, "score": score})

        self._reader.read_from_study(
            lambda study: loading.load_score(study, score_id), show, topic="score"
        )

    def paint(self, title: str | None) -> None:
        """Colour the PSCs by a column; None gives each PSC its own colour."""
        self.scene.painted = self.columns.get(title) if title else None

    def paint_contributions(self) -> None:
        """Colour the PSCs by what each adds to the score that is shown."""
        score = self.spare.score
        if score is None or score["contributions"] is None:
            return
        values = {each["psc"]: each["contribution"] for each in score["contributions"]}
        column = PscColumn("SPARE contribution", values, kind="diverging")
        self._add_columns([column])
        self.paint(column.title)

    def _show_cohort(self, tables: loading.CohortTables) -> None:
        self.cohort.update({"report": tables.report, "participants": tables.participants})

    def _set_atlas(self, atlas: Any, scale: int | None) -> None:
        scene = self.scene
        selected = scene.selected
        scene.show_atlas(atlas, scale or scene.scale)
        if selected in atlas.names and scale is None:
            scene.select(selected, move_crosshair=False)
        self._add_columns([loading.volume_column(atlas)])
        self._select_top_hit()

    def _add_columns(self, columns: list[PscColumn]) -> None:
        """Offer columns for painting; one that replaces the painted one is painted at once."""
        offered = dict(self.columns)
        for column in columns:
            before = offered.get(column.title)
            kept = column if before is None else replace(column, style=before.style)
            offered[column.title] = kept
        self.columns = dict(sorted(offered.items(), key=lambda item: loading.column_place(item[0])))
        self.columns_changed.emit(self.columns)
        if self.scene.painted is not None:
            self.paint(self.scene.painted.title)

    def _show_hits(self, columns: list[PscColumn]) -> None:
        self._add_columns(columns)
        self._select_top_hit()

    def _select_top_hit(self) -> None:
        """Select the PSC with the strongest association, while the user has selected none."""
        top, scale = self.columns.get(loading.TOP_HIT), self.scene.scale
        if self.scene.selected is not None or top is None:
            return
        here = {psc: p for psc, p in top.values.items() if psc.startswith(f"C{scale}_")}
        if here:
            self.scene.select(max(here, key=lambda psc: here[psc]))

    def _on_selected(self, psc: str | None) -> None:
        run = self.association.run
        if run is None or psc is None:
            self._show_association(None, "")
            return

        def show(result: AssociationResult | None) -> None:
            if self.scene.selected == psc and self.association.run == run:
                self._show_association(result, "" if result else f"{psc} was not tested in {run}")

        self._reader.read_from_study(
            lambda study: loading.load_association(study, run, psc), show, topic="association"
        )

    def _show_association(self, result: AssociationResult | None, empty_reason: str) -> None:
        self.association.update({"variant": None, "empty_reason": empty_reason, "result": result})

    def _remember_radiological(self, radiological: bool) -> None:
        self.settings.radiological = radiological


def queue_example(runner: JobRunner) -> list[str]:
    """Queue the simulation of the example's data, then the main job on them; return the ids."""
    from music_gui.steps.main_job import MAIN_JOB
    from music_gui.steps.registry import get_step

    return [
        runner.submit(step, {}, title=get_step(step).title) for step in ("make-example", *MAIN_JOB)
    ]


def _no_study() -> JobError:
    return JobError("no study is open", remedy="Open a study or make a new one first")

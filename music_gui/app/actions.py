"""Every action of the application with its shortcut: the one place to look for a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QToolButton

from music_gui.app.anatomy_menu import AnatomyMenu
from music_gui.app.commands import Commands
from music_gui.steps.registry import STEP_MODULES
from music_gui.views.main_window import MainWindow
from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icons import icon

if TYPE_CHECKING:
    from music_gui.state.session import Session


@dataclass(frozen=True)
class StepEntry:
    """How a step stands in the Analysis menu.

    Parameters
    ----------
    text, icon, keys : str
        Of the menu's entry.
    tip : str
        Shown in the tool bar and in the menu; empty for the text itself.
    """

    text: str
    icon: str
    keys: str
    tip: str = ""


#: A step that is not named here stands in the menu under its own name.
STEP_ENTRIES = {
    "import-maps": StepEntry("Import &maps…", "mdi6.tray-arrow-down", "Ctrl+I"),
    "import-atlas": StepEntry("Import &atlas…", "mdi6.puzzle-outline", "Ctrl+Shift+I"),
    "import-anatomy": StepEntry("Import a&natomical atlas…", "mdi6.map-legend", ""),
    "import-components": StepEntry("Import com&ponents…", "mdi6.layers-plus", ""),
    "fit": StepEntry(
        "&Fit atlas…",
        "mdi6.brain",
        "Ctrl+Shift+F",
        "Fit an atlas of structural covariance to the maps: by exact orthogonal NMF, or by sopNMF, "
        "its stochastic update",
    ),
    "apply-components": StepEntry("Appl&y components to maps…", "mdi6.vector-intersection", ""),
    "export-components": StepEntry("E&xport components…", "mdi6.export-variant", ""),
    "extract": StepEntry("&Extract PSCs…", "mdi6.ruler", "Ctrl+Shift+E"),
    "harmonize": StepEntry("&Harmonise sites…", "mdi6.scale-balance", "Ctrl+Shift+H"),
    "gwas": StepEntry("&GWAS…", "mdi6.dna", "Ctrl+Shift+G"),
    "spare-train": StepEntry("&Train SPARE…", "mdi6.school-outline", "Ctrl+Shift+T"),
    "spare-score": StepEntry("&Score a subject…", "mdi6.gauge", "Ctrl+Shift+S"),
}

#: Steps that stand in the tool bar as buttons of their own.
_TOOLBAR_STEPS = ("import-maps", "fit", "gwas", "spare-train", "spare-score")

_THEMES = (("dark", "&Dark"), ("light", "&Light"), ("system", "As the &desktop"))


class Actions(QObject):
    """Makes the actions and fills menus, tool bar and welcome page with them.

    Parameters
    ----------
    window : MainWindow
        Gets menus and tool bar.
    session : Session
        What most actions change.
    commands : Commands
        Does what needs a dialog first.
    """

    def __init__(self, window: MainWindow, session: Session, commands: Commands) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._commands = commands
        self._icons: list[tuple[QAction | QToolButton, str]] = []
        self._with_study: list[QAction] = []
        self.steps: dict[str, QAction] = {}
        self._fill_file_menu()
        self._fill_view_menu()
        self._fill_analysis_menu()
        self._fill_jobs_menu()
        self._fill_help_menu()
        self._fill_toolbar()
        self._anatomy_menu.offer_import(self.steps["import-anatomy"])
        self._connect_welcome()
        follow(self, session.study_changed, self._on_study)
        follow(self, session.settings.events.recent_studies, self._fill_recent)
        follow(self, palette.theme_changed, self._dress)
        self._dress(palette.current())
        self._on_study(session.study)

    # -- menus -----------------------------------------------------------------------------

    def _fill_file_menu(self) -> None:
        menu = self._menu("&File")
        commands = self._commands
        self.new = self._add(
            menu, "&New study…", commands.new_study, "Ctrl+N", "mdi6.folder-plus-outline"
        )
        self.open = self._add(
            menu, "&Open study…", commands.open_study, "Ctrl+O", "mdi6.folder-open"
        )
        self._recent_menu = menu.addMenu("Open &recent")
        self.example = self._add(
            menu, "Open the &example study…", commands.open_example, "", "mdi6.flask-outline"
        )
        menu.addSeparator()
        self._add_steps(
            menu,
            (
                "import-maps",
                "import-atlas",
                "import-components",
                "export-components",
                "spare-score",
            ),
        )
        self.open_image = self._add(
            menu, "Open an i&mage…", commands.open_image, "Ctrl+Shift+O",
            "mdi6.image-outline", with_study=True,
        )  # fmt: skip
        self.open_table = self._add(
            menu, "Paint a ta&ble…", commands.open_table, "", "mdi6.table-eye", with_study=True
        )
        menu.addSeparator()
        self.show_folder = self._add(
            menu, "Show the study's &folder", commands.show_folder, "", with_study=True
        )
        self.close = self._add(
            menu, "&Close study", self._session.close_study, "Ctrl+W", with_study=True
        )
        menu.addSeparator()
        self.quit = self._add(menu, "&Quit", self._window.close, "Ctrl+Q")
        self._fill_recent()

    def _fill_recent(self, *_: Any) -> None:
        self._recent_menu.clear()
        for root in self._session.settings.recent_studies:
            action = self._recent_menu.addAction(root.replace("&", "&&"))
            action.triggered.connect(lambda _=False, root=root: self._commands.open_recent(root))
        self._recent_menu.setEnabled(bool(self._session.settings.recent_studies))

    def _fill_view_menu(self) -> None:
        menu, scene = self._menu("&View"), self._session.scene
        self.search = self._add(
            menu, "&Search…", self._commands.search, "Ctrl+K", "mdi6.magnify", with_study=True
        )
        menu.addSeparator()
        for number, action in enumerate(self._window.dock_actions(), start=1):
            keys = f"Alt+{number % 10}" if number <= 10 else f"Alt+Shift+{number - 10}"
            action.setShortcut(QKeySequence(keys))
            self._with_study.append(action)
            menu.addAction(action)
        self.reset_layout = self._add(
            menu, "&Reset layout", self._window.docks.reset, "Ctrl+Shift+0", with_study=True
        )
        menu.addSeparator()
        self.finer = self._add(
            menu, "&Finer scale", lambda: scene.step_scale(1), "Ctrl+]", with_study=True
        )
        self.coarser = self._add(
            menu, "&Coarser scale", lambda: scene.step_scale(-1), "Ctrl+[", with_study=True
        )
        for action, key in ((self.finer, "]"), (self.coarser, "[")):
            action.setShortcuts([action.shortcut(), QKeySequence(key)])
        self.paint = self._add(
            menu, "Pain&t on the brain…", self._commands.paint, "Ctrl+P", "mdi6.palette-outline",
            with_study=True,
        )  # fmt: skip
        self.deselect = self._add(
            menu, "Select &nothing", lambda: scene.select(None), "Ctrl+D", with_study=True
        )
        self.radiological = self._add_switch(
            menu, "R&adiological (left on the right)", "radiological", "Ctrl+R"
        )
        self.pscs_in_slices = self._add_switch(
            menu, "&PSCs in the slices", "pscs_in_slices", "Ctrl+Shift+P"
        )
        self.hide_map = self._add(menu, "Hide the &map", self._session.hide_map, "Ctrl+Shift+M")
        self.hide_map.setEnabled(scene.overlay is not None)
        follow(self, scene.events.overlay, lambda each: self.hide_map.setEnabled(each is not None))
        self.template = self._add(menu, "Built-in &template", self._session.load_template)
        self._anatomy_menu = AnatomyMenu(self._session, menu)
        menu.addMenu(self._anatomy_menu)
        menu.addSeparator()
        self._fill_theme_menu(menu.addMenu("&Theme"))
        self.full_screen = self._add(menu, "Full &screen", self._toggle_full_screen, "F11")

    def _fill_theme_menu(self, menu: QMenu) -> None:
        group = QActionGroup(self)
        settings = self._session.settings
        self.themes: dict[str, QAction] = {}
        for name, text in _THEMES:
            action = self._add(menu, text, None)
            action.setCheckable(True)
            action.setChecked(settings.theme == name)
            action.triggered.connect(lambda _=False, name=name: setattr(settings, "theme", name))
            group.addAction(action)
            self.themes[name] = action

    def _fill_analysis_menu(self) -> None:
        self._analysis_menu = self._menu("&Analysis")
        self._add_steps(
            self._analysis_menu, tuple(name for name in STEP_MODULES if name != "make-example")
        )

    def _fill_jobs_menu(self) -> None:
        menu = self._menu("&Jobs")
        commands = self._commands
        self.show_jobs = self._add(
            menu, "&Show jobs", commands.show_jobs, "Ctrl+J", "mdi6.progress-check", with_study=True
        )
        menu.addSeparator()
        self.cancel_all = self._add(menu, "&Cancel all", commands.cancel_all, with_study=True)
        self.retry_failed = self._add(
            menu, "&Retry those that failed", commands.retry_failed, with_study=True
        )

    def _fill_help_menu(self) -> None:
        menu = self._menu("&Help")
        commands = self._commands
        self.guide = self._add(menu, "&Guide", commands.show_guide, "F1", "mdi6.book-open-outline")
        self.keys = self._add(menu, "&Keyboard", lambda: commands.show_keys(self.all()), "Shift+F1")
        menu.addSeparator()
        self.about = self._add(menu, "&About MuSIC GUI", commands.show_about)

    # -- tool bar and welcome page ---------------------------------------------------------

    def _fill_toolbar(self) -> None:
        toolbar = self._window.toolbar
        toolbar.addAction(self.open)
        for name in _TOOLBAR_STEPS:
            toolbar.addAction(self.steps[name])
        more = QToolButton(
            text="More steps", popupMode=QToolButton.ToolButtonPopupMode.InstantPopup
        )
        more.setToolTip("All steps")
        more.setMenu(self._analysis_menu)
        more.setToolButtonStyle(toolbar.toolButtonStyle())
        toolbar.addWidget(more)
        self._icons.append((more, "mdi6.dots-horizontal"))

    def _connect_welcome(self) -> None:
        welcome = self._window.welcome
        welcome.example.clicked.connect(self.example.trigger)
        welcome.new.clicked.connect(self.new.trigger)
        welcome.open.clicked.connect(self.open.trigger)
        welcome.score.clicked.connect(self._commands.score_subject)

    # -- making ----------------------------------------------------------------------------

    def _menu(self, title: str) -> QMenu:
        menu = self._window.menuBar().addMenu(title)
        menu.setToolTipsVisible(True)
        return menu

    def _add(
        self,
        menu: QMenu,
        text: str,
        call: Any,
        keys: str = "",
        icon_name: str = "",
        *,
        with_study: bool = False,
    ) -> QAction:
        action = QAction(text, self._window)
        if call is not None:
            action.triggered.connect(lambda: call())
        if keys:
            action.setShortcut(QKeySequence(keys))
        if icon_name:
            self._icons.append((action, icon_name))
        if with_study:
            self._with_study.append(action)
        menu.addAction(action)
        return action

    def _add_switch(self, menu: QMenu, text: str, field: str, keys: str) -> QAction:
        """Add an entry that switches a field of the scene on and off."""
        scene = self._session.scene
        action = self._add(menu, text, None, keys)
        action.setCheckable(True)
        action.setChecked(getattr(scene, field))
        action.toggled.connect(lambda on: setattr(scene, field, on))
        follow(self, getattr(scene.events, field), lambda on: action.setChecked(on))
        return action

    def _add_steps(self, menu: QMenu, names: tuple[str, ...]) -> None:
        for name in names:
            if name in self.steps:
                menu.addAction(self.steps[name])
                continue
            plain = StepEntry(name.replace("-", " ").capitalize() + "…", "mdi6.cog-outline", "")
            entry = STEP_ENTRIES.get(name, plain)
            self.steps[name] = self._add(
                menu,
                entry.text,
                lambda name=name: self._commands.open_step(name),
                entry.keys,
                entry.icon,
                with_study=True,
            )
            if entry.tip:
                self.steps[name].setToolTip(f"{entry.tip} ({entry.keys})")

    def all(self) -> list[QAction]:
        """Return all actions that have a shortcut, in the order of the menus."""
        found: dict[int, QAction] = {}
        for menu in self._window.menuBar().findChildren(QMenu):
            found |= {id(each): each for each in menu.actions() if not each.shortcut().isEmpty()}
        return list(found.values())

    # -- following -------------------------------------------------------------------------

    def _on_study(self, study: Any) -> None:
        for action in self._with_study:
            action.setEnabled(study is not None)

    def _dress(self, theme: palette.Theme) -> None:
        for action, name in self._icons:
            action.setIcon(icon(name, theme.accent, disabled=theme.disabled))

    def _toggle_full_screen(self) -> None:
        window = self._window
        window.showNormal() if window.isFullScreen() else window.showFullScreen()

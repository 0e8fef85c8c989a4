"""The panels of an open study as docks that can be moved, hidden, floated and remembered."""

from __future__ import annotations

import PySide6QtAds as QtAds
from PySide6.QtCore import QByteArray
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QVBoxLayout, QWidget

from music_gui.views.panels import PANELS, Panel
from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icons import icon

#: Raised when the set of docks changes, so that an older layout is not restored halfway.
_LAYOUT_VERSION = 4

_FLAGS = {
    QtAds.CDockManager.eConfigFlag.DisableStylesheet: True,
    QtAds.CDockManager.eConfigFlag.OpaqueSplitterResize: True,
    QtAds.CDockManager.eConfigFlag.ActiveTabHasCloseButton: False,
    QtAds.CDockManager.eConfigFlag.DockAreaHasCloseButton: True,
    QtAds.CDockManager.eConfigFlag.DockAreaCloseButtonClosesTab: True,
    QtAds.CDockManager.eConfigFlag.DockAreaHasUndockButton: True,
    QtAds.CDockManager.eConfigFlag.DockAreaHasTabsMenuButton: False,
    QtAds.CDockManager.eConfigFlag.DockAreaHideDisabledButtons: True,
    QtAds.CDockManager.eConfigFlag.AlwaysShowTabs: True,
    QtAds.CDockManager.eConfigFlag.FloatingContainerHasWidgetIcon: True,
    QtAds.CDockManager.eConfigFlag.XmlCompressionEnabled: True,
}

_AREA_BUTTONS = {
    QtAds.TitleBarButtonUndock: ("mdi6.open-in-new", "Put into a window of its own"),
    QtAds.TitleBarButtonClose: ("mdi6.close", "Hide (View menu shows it again)"),
}


class DockArea(QWidget):
    """Holds a dock for each panel; a dock is empty until its panel is put into it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        for flag, value in _FLAGS.items():
            QtAds.CDockManager.setConfigFlag(flag, value)
        self._manager = QtAds.CDockManager(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._manager)
        self._manager.dockAreaCreated.connect(self._dress_area)
        self._docks = {panel.name: self._dock(panel) for panel in PANELS}
        self._place()
        self._default = self._manager.saveState(_LAYOUT_VERSION)
        follow(self, palette.theme_changed, self._dress)
        self._dress(palette.current())

    def _dock(self, panel: Panel) -> QtAds.CDockWidget:
        dock = QtAds.CDockWidget(self._manager, panel.title)
        dock.setObjectName(panel.name)
        dock.setWidget(QWidget(), QtAds.CDockWidget.eInsertMode.ForceNoScrollArea)
        return dock

    def _place(self) -> None:
        """Put every dock where it stands when the application is started for the first time."""
        manager, docks = self._manager, self._docks
        scene = manager.addDockWidget(QtAds.CenterDockWidgetArea, docks["scene"])
        manager.addDockWidget(QtAds.LeftDockWidgetArea, docks["psc"], scene)
        manager.addDockWidget(QtAds.RightDockWidgetArea, docks["slices"], scene)
        manhattan = manager.addDockWidget(QtAds.BottomDockWidgetArea, docks["manhattan"])
        manager.addDockWidgetTabToArea(docks["ladder"], manhattan)
        manager.addDockWidgetTabToArea(docks["convergence"], manhattan)
        manager.addDockWidgetTabToArea(docks["scales"], manhattan)
        manhattan.setCurrentDockWidget(docks["manhattan"])
        qq = manager.addDockWidget(QtAds.RightDockWidgetArea, docks["qq"], manhattan)
        jobs = manager.addDockWidget(QtAds.RightDockWidgetArea, docks["jobs"], qq)
        manager.addDockWidgetTabToArea(docks["spare"], jobs)
        manager.addDockWidgetTabToArea(docks["cohort"], jobs)
        jobs.setCurrentDockWidget(docks["jobs"])
        manager.setSplitterSizes(scene, [330, 830, 340])
        manager.setSplitterSizes(manhattan, [700, 330, 470])
        rows = manager.rootSplitter()
        rows.setSizes([620, 380])

    def fill(self, panel: Panel, widget: QWidget) -> None:
        """Put a panel's widget into its dock."""
        dock = self._docks[panel.name]
        empty = dock.takeWidget()
        dock.setWidget(widget, QtAds.CDockWidget.eInsertMode.ForceNoScrollArea)
        if empty is not None:
            empty.deleteLater()

    def widget(self, name: str) -> QWidget:
        """Return what stands in a dock."""
        widget: QWidget = self._docks[name].widget()
        return widget

    def toggle_actions(self) -> list[QAction]:
        """Return for each dock the action that shows or hides it."""
        return [self._docks[panel.name].toggleViewAction() for panel in PANELS]

    def raise_dock(self, name: str) -> None:
        """Show a dock and bring its tab to the front."""
        self._docks[name].toggleView(True)
        self._docks[name].raise_()

    def save(self) -> str:
        """Return where all docks stand, base64."""
        return bytes(self._manager.saveState(_LAYOUT_VERSION).toBase64()).decode()

    def restore(self, state: str) -> None:
        """Put all docks where they stood; an unreadable state changes nothing."""
        self._manager.restoreState(QByteArray.fromBase64(state.encode()), _LAYOUT_VERSION)

    def reset(self) -> None:
        """Put all docks where they stand at first."""
        self._manager.restoreState(self._default, _LAYOUT_VERSION)

    def close_panels(self) -> None:
        """Close all panels: some hold what must be freed before Qt takes the window away."""
        for dock in self._docks.values():
            if dock.widget() is not None:
                dock.widget().close()

    def set_shown(self, shown: bool) -> None:
        """Show or hide all docks, the floating ones too."""
        if shown:
            self._manager.show()
        else:
            self._manager.hideManagerAndFloatingWidgets()

    def _dress(self, theme: palette.Theme) -> None:
        for panel in PANELS:
            self._docks[panel.name].setIcon(_icon(panel.icon, theme))
        for area in self._manager.openedDockAreas():
            self._dress_area(area)

    def _dress_area(self, area: QtAds.CDockAreaWidget) -> None:
        for button, (icon_name, tip) in _AREA_BUTTONS.items():
            widget = area.titleBarButton(button)
            if widget is not None:
                widget.setIcon(_icon(icon_name, palette.current()))
                widget.setToolTip(tip)
                widget.setAccessibleName(tip)


def _icon(name: str, theme: palette.Theme) -> QIcon:
    return icon(name, theme.muted, active=theme.text)

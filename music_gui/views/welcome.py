"""What the window shows while no study is open: what to do first, and the recent studies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from music_gui import __version__
from music_gui.io.resources import resource
from music_gui.views.widgets.colored_label import ColoredLabel
from music_gui.views.widgets.elided_label import ElidedLabel
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icon_button import IconButton
from music_gui.views.widgets.icon_label import IconLabel
from music_gui.views.widgets.start_card import StartCard

if TYPE_CHECKING:
    from music_gui.state.session import Session

_WIDTH = 980


class Welcome(QWidget):
    """The welcome page.

    Parameters
    ----------
    session : Session
        Is asked to open recent studies.

    Attributes
    ----------
    example, new, score : StartCard
        The three things to do first; connected by whoever holds the actions.
    open : QPushButton
        Opens a study that is not in the list.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.example = StartCard(
            "mdi6.flask-outline",
            "Open the example study",
            "240 simulated brains with known PSCs, patients and causal variants, made and analysed "
            "on this computer in about a minute.",
        )
        self.new = StartCard(
            "mdi6.folder-plus-outline",
            "New study",
            "Bring your own grey-matter maps: fit or choose an atlas, extract PSCs, run a GWAS, "
            "train SPARE.",
        )
        self.score = StartCard(
            "mdi6.gauge",
            "Score a subject",
            "Apply a SPARE model to one person's map and see where the score lies among patients "
            "and controls.",
        )
        self.open = QPushButton("Open a study…")
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        content = QWidget()
        content.setMaximumWidth(_WIDTH)
        self._fill(content)
        outer = QHBoxLayout()
        outer.addStretch(1)
        outer.addWidget(content, 100)
        outer.addStretch(1)
        page = QWidget()
        page.setLayout(outer)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)
        follow(self, session.settings.events.recent_studies, self._show_recent)
        self._show_recent()

    def _fill(self, content: QWidget) -> None:
        cards = QHBoxLayout()
        cards.setSpacing(18)
        for card in (self.example, self.new, self.score):
            cards.addWidget(card, 1)
        heading = QHBoxLayout()
        heading.addWidget(
            ColoredLabel("Recent studies", "text", "font-size: 12pt; font-weight: 600")
        )
        heading.addStretch(1)
        heading.addWidget(self.open)
        layout = QVBoxLayout(content)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.addStretch(2)
        layout.addLayout(_title())
        layout.addSpacing(26)
        layout.addLayout(cards)
        layout.addSpacing(30)
        layout.addLayout(heading)
        layout.addSpacing(4)
        layout.addLayout(self._recent)
        layout.addStretch(3)

    def _show_recent(self, *_: Any) -> None:
        while (item := self._recent.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().deleteLater()
        studies = self._session.settings.recent_studies
        for root in studies:
            self._recent.addWidget(_RecentStudy(root, self._session))
        if not studies:
            self._recent.addWidget(
                ColoredLabel("None yet. A study is an ordinary folder; you can also drop one here.")
            )


class _RecentStudy(QPushButton):
    """A recent study, and the button that takes it off the list."""

    def __init__(self, root: str, session: Session) -> None:
        super().__init__()
        self.setObjectName("recentRow")
        self.setAccessibleName(f"Open {root}")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setMinimumHeight(46)
        self.clicked.connect(lambda: session.open_study(Path(root)))
        name = ColoredLabel(Path(root).name, "text", "font-weight: 600")
        place = ElidedLabel(str(Path(root).parent), "muted", Qt.TextElideMode.ElideMiddle)
        texts = QVBoxLayout()
        texts.setSpacing(0)
        texts.addWidget(name)
        texts.addWidget(place)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 8, 4)
        layout.setSpacing(12)
        icon = IconLabel("mdi6.folder-outline", "muted", 22)
        layout.addWidget(icon)
        layout.addLayout(texts, 1)
        layout.addWidget(
            IconButton(
                "mdi6.close",
                "Take off this list (the study stays)",
                lambda: session.settings.forget_study(root),
            )
        )
        for part in (icon, name, place):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)


def _title() -> QHBoxLayout:
    icon = QLabel()
    icon.setPixmap(
        QPixmap(str(resource("icons/music-gui.svg"))).scaled(
            76, 76, mode=Qt.TransformationMode.SmoothTransformation
        )
    )
    texts = QVBoxLayout()
    texts.setSpacing(2)
    texts.addWidget(ColoredLabel("MuSIC GUI", "text", "font-size: 24pt; font-weight: 600"))
    texts.addWidget(
        ColoredLabel(
            "Brain structural covariance, its genetics, and what it says about one subject",
            style="font-size: 11pt",
        )
    )
    row = QHBoxLayout()
    row.setSpacing(18)
    row.addWidget(icon)
    row.addLayout(texts)
    row.addStretch(1)
    row.addWidget(ColoredLabel(f"version {__version__}"), alignment=Qt.AlignmentFlag.AlignBottom)
    return row

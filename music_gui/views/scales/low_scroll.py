"""Words that give way where there is little height."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QSizePolicy, QWidget

_LEAST_HEIGHT = 30


class LowScroll(QScrollArea):
    """As high as its label, or lower and scrolled where there is little height.

    Parameters
    ----------
    label : QLabel
        Wraps its words.
    """

    def __init__(self, label: QLabel, parent: QWidget | None = None) -> None:
        super().__init__(parent, widgetResizable=True)
        self._label = label
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumHeight(_LEAST_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Maximum)
        self.setWidget(label)

    def sizeHint(self) -> QSize:
        """Return the height that the text has at this width."""
        return QSize(self.width(), max(self._label.heightForWidth(self.width()), _LEAST_HEIGHT))

    def minimumSizeHint(self) -> QSize:
        """Return the height of a line."""
        return QSize(60, _LEAST_HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit to another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

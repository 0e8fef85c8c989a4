"""Where the parts of a PSC and the flows between them stand in a Sankey diagram."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainterPath

from music_gui.state.scale_ladder import Lineage, Rung

#: Smaller parts stand together as one, and so do those beyond the most that can be told apart.
_SMALLEST_SHARE = 0.01
_MOST_PARTS = 18

_BAR_WIDTH = 10.0
_GAP = 3.0
_THINNEST = 1.5

#: Stands for all small parts of a scale.
OTHERS = "others"


@dataclass(frozen=True)
class Node:
    """A part at one scale.

    Parameters
    ----------
    column : int
        Place of the scale.
    name : str
        PSC; empty for voxels of no PSC, `OTHERS` for small parts together.
    share : float
        Of the PSC in question, 0 to 1.
    members : tuple of str
        The small parts that it stands for.
    bar : QRectF
        Where it is drawn.
    """

    column: int
    name: str
    share: float
    members: tuple[str, ...]
    bar: QRectF

    @property
    def is_psc(self) -> bool:
        """Whether it is one PSC, which can be gone to."""
        return self.name not in ("", OTHERS)


@dataclass(frozen=True)
class Link:
    """What two neighbouring parts share.

    Parameters
    ----------
    coarse, fine : Node
        Its ends.
    share : float
        Of the PSC in question, 0 to 1.
    path : QPainterPath
        Where it is drawn.
    """

    coarse: Node
    fine: Node
    share: float
    path: QPainterPath


@dataclass(frozen=True)
class Sankey:
    """All parts, by scale from top to bottom, and all flows."""

    columns: tuple[tuple[Node, ...], ...]
    links: tuple[Link, ...]


def lay_out(lineage: Lineage, area: QRectF, column_width: float, indent: float) -> Sankey:
    """Place a PSC's parents and children.

    Parameters
    ----------
    lineage : Lineage
        What is drawn.
    area : QRectF
        Where; the columns begin at its left edge.
    column_width : float
        Distance from one scale to the next.
    indent : float
        From a column's left edge to its bars.
    """
    groups = [_group(rung, lineage.name) for rung in lineage.rungs]
    orders = _order(lineage, groups)
    most = max(len(order) for order in orders)
    unit = max(area.height() - _GAP * (most - 1), 1.0)
    columns = []
    for column, order in enumerate(orders):
        x = area.left() + column * column_width + indent
        members = _members(groups[column])
        columns.append(_stack(column, order, members, x, area, unit))
    return Sankey(tuple(columns), tuple(_links(lineage, groups, columns, unit)))


def _group(rung: Rung, name: str) -> dict[str, tuple[str, float]]:
    """Return for each part the name that it stands under, and its share."""
    small = [
        part
        for at, part in enumerate(rung.parts)
        if part.name not in ("", name, rung.here)
        and (part.share < _SMALLEST_SHARE or at >= _MOST_PARTS)
    ]
    hidden = {part.name for part in small} if len(small) > 1 else set()
    return {
        part.name: (OTHERS if part.name in hidden else part.name, part.share) for part in rung.parts
    }


def _members(group: dict[str, tuple[str, float]]) -> dict[str, tuple[float, tuple[str, ...]]]:
    """Return share and parts of each name that is drawn."""
    drawn: dict[str, tuple[float, tuple[str, ...]]] = {}
    for name, (stands_under, share) in group.items():
        before, parts = drawn.get(stands_under, (0.0, ()))
        drawn[stands_under] = (before + share, (*parts, name))
    return drawn


def _order(lineage: Lineage, groups: list[dict[str, tuple[str, float]]]) -> list[list[str]]:
    """Put the parts of each scale beside those that they flow into, outwards from the PSC."""
    n = len(groups)
    start = next(at for at, rung in enumerate(lineage.rungs)
                 if lineage.name in {part.name for part in rung.parts})  # fmt: skip
    orders: list[list[str]] = [[] for _ in range(n)]
    orders[start] = list(_members(groups[start]))
    for column in [*range(start + 1, n), *range(start - 1, -1, -1)]:
        finer = column > start
        near = column - 1 if finer else column + 1
        flows = lineage.flows[column - 1 if finer else column]
        places = {name: place for place, name in enumerate(orders[near])}
        sums: dict[str, float] = {}
        for flow in flows:
            here, there = (flow.fine, flow.coarse) if finer else (flow.coarse, flow.fine)
            weight = flow.share * places[groups[near][there][0]]
            name = groups[column][here][0]
            sums[name] = sums.get(name, 0.0) + weight
        drawn = _members(groups[column])
        orders[column] = sorted(
            drawn, key=lambda name: (name in ("", OTHERS), sums.get(name, 0.0) / drawn[name][0])
        )
    return orders


def _stack(
    column: int,
    order: list[str],
    members: dict[str, tuple[float, tuple[str, ...]]],
    x: float,
    area: QRectF,
    unit: float,
) -> tuple[Node, ...]:
    """Stack the parts of a scale on one another, in the middle of the area's height."""
    heights = [max(members[name][0] * unit, _THINNEST) for name in order]
    y = area.top() + (area.height() - sum(heights) - _GAP * (len(order) - 1)) / 2
    nodes = []
    for name, height in zip(order, heights, strict=True):
        share, parts = members[name]
        nodes.append(
            Node(
                column,
                name,
                share,
                parts if name == OTHERS else (),
                QRectF(x, y, _BAR_WIDTH, height),
            )
        )
        y += height + _GAP
    return tuple(nodes)


def _links(
    lineage: Lineage,
    groups: list[dict[str, tuple[str, float]]],
    columns: list[tuple[Node, ...]],
    unit: float,
) -> list[Link]:
    """Draw the flows, each end stacked in the order of the other end's parts."""
    links = []
    for column, flows in enumerate(lineage.flows):
        shares: dict[tuple[str, str], float] = {}
        for flow in flows:
            ends = groups[column][flow.coarse][0], groups[column + 1][flow.fine][0]
            shares[ends] = shares.get(ends, 0.0) + flow.share
        coarse = {node.name: node for node in columns[column]}
        fine = {node.name: node for node in columns[column + 1]}
        left = {name: node.bar.top() for name, node in coarse.items()}
        right = {name: node.bar.top() for name, node in fine.items()}
        for first in coarse:
            for second in fine:
                share = shares.get((first, second))
                if share is None:
                    continue
                thick = share * unit
                ends = (
                    QPointF(coarse[first].bar.right(), left[first]),
                    QPointF(fine[second].bar.left(), right[second]),
                )
                left[first] += thick
                right[second] += thick
                path = _band(*ends, max(thick, 1.0))
                links.append(Link(coarse[first], fine[second], share, path))
    return links


def _band(start: QPointF, end: QPointF, thick: float) -> QPainterPath:
    """Return a band that leaves and arrives horizontally, from its upper left and right corners."""
    middle, down = (start.x() + end.x()) / 2, QPointF(0, thick)
    path = QPainterPath(start)
    path.cubicTo(QPointF(middle, start.y()), QPointF(middle, end.y()), end)
    path.lineTo(end + down)
    path.cubicTo(QPointF(middle, end.y() + thick), QPointF(middle, start.y() + thick), start + down)
    path.closeSubpath()
    return path

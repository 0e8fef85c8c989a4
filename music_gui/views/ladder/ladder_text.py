"""The scale ladder in words."""

from __future__ import annotations

from music_gui.core.atlas import parse_psc_name
from music_gui.state.brain_scene import BrainScene
from music_gui.state.scale_ladder import Lineage, Rung
from music_gui.views.brain.psc_text import describe_psc, format_value
from music_gui.views.ladder.sankey_layout import OTHERS, Link, Node

_MOST_NAMED = 12


def rung_lines(scene: BrainScene, rung: Rung) -> tuple[str, str, str]:
    """Return name, volume and anatomy of the PSC at the crosshair at one scale."""
    if rung.here is None or scene.atlas is None:
        return "no PSC", "at the crosshair", ""
    atlas = scene.atlas
    _, label = parse_psc_name(rung.here)
    whole = atlas.scales[rung.scale]
    volume = int(whole.voxel_counts[label - 1]) * atlas.grid.voxel_volume / 1000
    region = whole.regions[label - 1] if whole.regions else ""
    if scene.anatomy is not None:
        region = region or scene.anatomy.texts.get(rung.here, "")
    return rung.here, f"{format_value(round(volume, 6))} ml", region


def node_text(scene: BrainScene, lineage: Lineage, what: Node | Link) -> str:
    """Say what a part or a link of the diagram is."""
    if isinstance(what, Link):
        ends = " and ".join(_name(node) for node in (what.coarse, what.fine))
        return f"{ends} share {_percent(what.share)} of {lineage.name}"
    if what.name == OTHERS:
        named = ", ".join(what.members[:_MOST_NAMED])
        more = (
            f" and {len(what.members) - _MOST_NAMED} more"
            if len(what.members) > _MOST_NAMED
            else ""
        )
        return f"{_percent(what.share)} of {lineage.name} lies in {named}{more}"
    if not what.name:
        return f"{_percent(what.share)} of {lineage.name} lies in no PSC of this scale"
    if what.name == lineage.name:
        return describe_psc(scene, what.name)
    part = next(p for p in lineage.rungs[what.column].parts if p.name == what.name)
    return (
        f"{_percent(part.share)} of {lineage.name} lies in {what.name} ({part.n_voxels} voxels), "
        f"{_percent(part.share_of_other)} of which that is  ·  {describe_psc(scene, what.name)}"
    )


def lineage_text(scene: BrainScene, lineage: Lineage) -> str:
    """Say where a PSC lies among the scales: its parent, its largest child."""
    parts = [describe_psc(scene, lineage.name)]
    scale, _ = parse_psc_name(lineage.name)
    place = next(at for at, rung in enumerate(lineage.rungs) if rung.scale == scale)
    if place > 0 and (above := lineage.rungs[place - 1].parts):
        parts.append(f"{_percent(above[0].share)} in {above[0].name or 'no PSC'}")
    if place + 1 < len(lineage.rungs) and (below := lineage.rungs[place + 1].parts):
        n = sum(bool(part.name) for part in below)
        parts.append(f"divided among {n} of C = {lineage.rungs[place + 1].scale}")
    return "  ·  ".join(parts)


def _name(node: Node) -> str:
    return f"{len(node.members)} small parts" if node.name == OTHERS else node.name or "no PSC"


def _percent(share: float) -> str:
    return "under 1 %" if 0 < share < 0.01 else f"{share * 100:.0f} %"

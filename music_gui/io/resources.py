"""Where the files that come with the application are: icons, style, template, tables, models."""

from __future__ import annotations

from pathlib import Path

from music_gui.core.errors import MusicError

#: MNI152 (ICBM 2009a, non-linear, symmetric) T1-weighted template without skull, 2 mm.
TEMPLATE_T1 = "template/tpl-MNI152_res-2_T1w.nii.gz"
#: Probability of grey matter of the same template, 2 mm.
TEMPLATE_GM = "template/tpl-MNI152_res-2_label-GM_probseg.nii.gz"
#: Probability of grey matter, 3 mm.
TEMPLATE_GM_3MM = "template/tpl-MNI152_res-3_label-GM_probseg.nii.gz"
#: Brain mask of the template, 2 mm.
TEMPLATE_BRAIN_MASK = "template/tpl-MNI152_res-2_desc-brain_mask.nii.gz"
#: Surface of the filled brain: ``vertices`` (V, 3) float32 mm, ``triangles`` (T, 3) int32.
GLASS_BRAIN = "template/glass_brain.npz"
#: Folder of the anatomical atlas that comes with the application.
ANATOMY = "anatomy/Desikan-Killiany"
#: Template spaces with their affines to MNI152.
SPACES = "anatomy/spaces.json"
#: Words for regions beside the names that atlases give them.
SYNONYMS = "anatomy/synonyms.tsv"

_PACKAGE = Path(__file__).resolve().parents[1]


def resource(relative: str) -> Path:
    """Return the path of a file or folder that comes with the application.

    Parameters
    ----------
    relative : str
        Path inside ``resources/`` with forward slashes, for example `TEMPLATE_GM`.

    Raises
    ------
    MusicError
        If it is missing, which means that the installation is damaged.
    """
    for root in (_PACKAGE / "_resources", _PACKAGE.parent / "resources"):
        path = root / relative
        if path.exists():
            return path
    raise MusicError(
        "a file that comes with the application is missing",
        where=relative,
        why=f"it is neither in {_PACKAGE / '_resources'} nor in {_PACKAGE.parent / 'resources'}",
        remedy="Install MuSIC GUI again",
    )

"""A study: a folder of ordinary files, and the one place that names them."""

from __future__ import annotations

import os
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from music_gui import __version__
from music_gui.core.errors import StudyError
from music_gui.io.atomic import write_json

#: Raised when a change of the layout makes older versions misread a study.
FORMAT_VERSION = 1

_MANIFEST = "study.json"
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class StudyManifest(BaseModel):
    """``study.json``: what marks a folder as a study.

    Attributes
    ----------
    format_version : int
        Version of the folder's layout.
    study_id : str
        Random; tells two studies of one name apart.
    name : str
        What the window's title shows.
    created, created_with : str
        UTC time, ISO 8601, and version of the application.
    simulated : bool
        The data are made up; said wherever they are shown.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    format_version: int
    study_id: str
    name: str
    created: str
    created_with: str
    simulated: bool = False


@dataclass(frozen=True)
class Study:
    """An open study.

    Parameters
    ----------
    root : Path
        Its folder.
    manifest : StudyManifest
        Its identity.
    """

    root: Path
    manifest: StudyManifest

    @classmethod
    def create(cls, root: Path, name: str = "", *, simulated: bool = False) -> Study:
        """Make a new study in a folder that is empty or does not exist.

        Raises
        ------
        StudyError
            If the folder holds something already or can't be written.
        """
        root = root.expanduser().absolute()
        try:
            root.mkdir(parents=True, exist_ok=True)
            if any(root.iterdir()):
                raise StudyError(
                    "the folder is not empty",
                    where=str(root),
                    remedy="Choose a new name or an empty folder",
                )
            manifest = StudyManifest(
                format_version=FORMAT_VERSION,
                study_id=uuid.uuid4().hex,
                name=name or root.name,
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                created_with=__version__,
                simulated=simulated,
            )
            write_json(root / _MANIFEST, manifest.model_dump())
        except OSError as error:
            raise StudyError(
                "the study's folder can't be written", where=str(root), why=_reason(error)
            ) from error
        return cls(root, manifest)

    @classmethod
    def open(cls, root: Path) -> Study:
        """Open a study.

        Raises
        ------
        StudyError
            If the folder is no study, is damaged, or was written by a newer version.
        """
        root = root.expanduser().absolute()
        path = root / _MANIFEST
        try:
            manifest = StudyManifest.model_validate_json(path.read_bytes())
        except FileNotFoundError as error:
            raise StudyError(
                "this folder is not a study",
                where=str(root),
                why=f"it has no {_MANIFEST}",
                remedy="Choose the folder that holds study.json, or make a new study",
            ) from error
        except OSError as error:
            raise StudyError(
                "the study can't be read", where=str(path), why=_reason(error)
            ) from error
        except ValidationError as error:
            raise StudyError(
                "the study's description is damaged",
                where=str(path),
                why="; ".join(
                    f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()
                ),
                remedy=f"Restore {_MANIFEST} from a backup; the study's other files are untouched",
            ) from error
        if manifest.format_version > FORMAT_VERSION:
            raise StudyError(
                f"the study was written by a newer version ({manifest.created_with})",
                where=str(root),
                why=f"its layout has version {manifest.format_version}, "
                f"this application ({__version__}) knows up to {FORMAT_VERSION}",
                remedy="Update MuSIC GUI to open it",
            )
        return cls(root, manifest)

    @property
    def is_writable(self) -> bool:
        """Whether results can be written here."""
        return os.access(self.root, os.W_OK)

    @property
    def jobs(self) -> Path:
        """Folder of all jobs, one folder each."""
        return self.root / "jobs"

    @property
    def source_data(self) -> Path:
        """Inputs that came with the study (those of the example study)."""
        return self.root / "sourcedata"

    @property
    def cohort(self) -> Path:
        """Folder of the imported cohort: participants, import report, mask and masked maps."""
        return self.root / "cohort"

    @property
    def participants(self) -> Path:
        """Table of the participants whose maps were imported, in the order of the maps."""
        return self.cohort / "participants.tsv"

    @property
    def import_report(self) -> Path:
        """Table of every file that was offered for import, its state and the reason."""
        return self.cohort / "import_report.tsv"

    @property
    def masked_maps(self) -> Path:
        """Folder of the masked maps (`music_gui.io.masked_maps`)."""
        return self.cohort / "maps"

    @property
    def decompositions(self) -> Path:
        """Folder of all factorisations: a folder for each atlas, in it one for each scale."""
        return self.root / "decompositions"

    def decomposition(self, atlas: str, scale: int) -> Path:
        """Folder of the factorisation from which an atlas has its scale: ``study/C32``."""
        return self.decompositions / checked_name(atlas) / f"C{scale}"

    @property
    def scale_choices(self) -> Path:
        """Folder of all comparisons of scales, one folder each."""
        return self.root / "scale_choice"

    def scale_choice(self, name: str) -> Path:
        """Folder of one comparison of scales (`music_gui.io.scale_choice`)."""
        return self.scale_choices / checked_name(name)

    @property
    def atlases(self) -> Path:
        """Folder of all atlases, one folder each (`music_gui.io.atlas_dseg`)."""
        return self.root / "atlases"

    def atlas(self, name: str) -> Path:
        """Folder of one atlas; the study's own is named ``study``."""
        return self.atlases / checked_name(name)

    @property
    def psc_tables(self) -> Path:
        """Folder of all PSC tables, a Parquet file and a JSON sidecar each."""
        return self.root / "psc"

    def psc_table(self, name: str) -> Path:
        """Parquet file of one PSC table, for example ``study_raw`` or ``study_harmonized``."""
        return self.psc_tables / f"{checked_name(name)}.parquet"

    @property
    def loadings_tables(self) -> Path:
        """Folder of all tables of loadings, a Parquet file and a JSON sidecar each."""
        return self.root / "loadings"

    def loadings_table(self, name: str) -> Path:
        """Parquet file of one table of loadings (`music_gui.io.loadings_table`)."""
        return self.loadings_tables / f"{checked_name(name)}.parquet"

    @property
    def exports(self) -> Path:
        """Folder of what was written for other programs."""
        return self.root / "exports"

    @property
    def gwas_runs(self) -> Path:
        """Folder of all GWAS results, one folder each."""
        return self.root / "gwas"

    def gwas(self, name: str) -> Path:
        """Folder of one GWAS (`music_gui.io.sumstats_store`)."""
        return self.gwas_runs / checked_name(name)

    @property
    def spare_models(self) -> Path:
        """Folder of all SPARE models."""
        return self.root / "spare"

    def spare_model(self, name: str) -> Path:
        """Folder of one SPARE model: ``NAME.spare.json``, evaluation and predictions."""
        return self.spare_models / checked_name(name)

    @property
    def scores(self) -> Path:
        """Folder of all scored subjects, one folder each."""
        return self.root / "scores"

    @property
    def views(self) -> Path:
        """Folder of the saved views of the brain (`music_gui.io.saved_view`)."""
        return self.root / "views"

    def view(self, name: str) -> Path:
        """JSON file of one saved view."""
        return self.views / f"{checked_name(name)}.view.json"

    @property
    def anatomies(self) -> Path:
        """Folder of the anatomical atlases that were imported, one folder each."""
        return self.root / "anatomy"

    def anatomy(self, name: str) -> Path:
        """Folder of one anatomical atlas (`music_gui.io.anatomical_atlas`)."""
        return self.anatomies / checked_name(name)


def checked_name(name: str) -> str:
    """Return a name that is safe as a file name.

    Raises
    ------
    StudyError
        If it has other characters than letters, digits, dot, hyphen and underscore.
    """
    if not _SAFE_NAME.fullmatch(name):
        raise StudyError(
            f"{name!r} can't be a name",
            remedy="Use letters, digits, dots, hyphens and underscores, a letter or digit first",
        )
    return name


def _reason(error: OSError) -> str:
    return error.strerror or str(error)

"""Whether a model may be applied to a person at all: if a check fails, no number is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.spare.model import SpareModel

#: A region this many standard deviations from the training mean counts as out of range.
Z_LIMIT = 5.0
#: Share of the regions that may be out of range; one in a hundred, so none of 32.
_SHARE_OUT_OF_RANGE = 0.01
#: Largest root mean square of all regions' z; the training people have 1 on average.
_RMS_LIMIT = 3.0
_NAMED_REGIONS = 5


@dataclass(frozen=True)
class Check:
    """One question about a person and a model.

    Parameters
    ----------
    name : str
        ``map``, ``space``, ``unit``, ``likeness``, ``regions``, ``covariates``, ``age``, ``sex``
        or ``site``.
    passed : bool or None
        None: it could not be asked, or it is only said.
    text : str
        The answer in plain words.
    value, limit : float or None
        What was measured, and where the limit lies.
    """

    name: str
    passed: bool | None
    text: str
    value: float | None = None
    limit: float | None = None


def check_regions(model: SpareModel, volumes: NDArray[np.float64]) -> Check:
    """Compare volumes with those of the training people, before any preparation.

    Parameters
    ----------
    model : SpareModel
    volumes : ndarray, shape (n_features,)
        mm^3.
    """
    missing = [n for n, v in zip(model.features, volumes, strict=True) if not np.isfinite(v)]
    if missing:
        return Check(
            "regions",
            False,
            f"{len(missing)} of {len(volumes)} regions have no volume: {_some(missing)}",
        )
    z = (volumes - model.raw_mean) / np.where(model.raw_sd > 0, model.raw_sd, 1.0)
    far = np.flatnonzero(np.abs(z) > Z_LIMIT)
    rms = float(np.sqrt((z**2).mean()))
    allowed = int(_SHARE_OUT_OF_RANGE * len(z))
    if len(far) > allowed:
        worst = far[np.argsort(-np.abs(z[far]))]
        named = [f"{model.features[k]} (z {z[k]:+.1f})" for k in worst]
        return Check(
            "regions",
            False,
            f"{len(far)} of {len(z)} regions lie more than {Z_LIMIT:g} standard deviations from "
            f"the training mean: {_some(named)}",
            float(len(far)),
            float(allowed),
        )
    return Check(
        "regions",
        rms <= _RMS_LIMIT,
        f"the regions lie {rms:.2f} standard deviations from the training mean "
        f"(root mean square; limit {_RMS_LIMIT:g})",
        rms,
        _RMS_LIMIT,
    )


def check_age(model: SpareModel, age: float | None) -> Check:
    """Compare an age with those of the training people."""
    limits = model.reference.age_range
    if age is None:
        return Check("age", None, "age was not given")
    if limits is None:
        return Check("age", None, "the ages of the training people are not known")
    inside = bool(limits[0] <= age <= limits[1])
    where = "within" if inside else "outside"
    return Check("age", inside, f"{age:g} years, {where} {limits[0]:g}-{limits[1]:g}", age)


def check_sex(model: SpareModel, sex: str | None) -> Check:
    """Tell whether people of this sex were in the training sample."""
    if not sex:
        return Check("sex", None, "sex was not given")
    known = sorted(set(model.reference.sexes) - {""})
    if not known:
        return Check("sex", None, "the sexes of the training people are not known")
    inside = sex in known
    return Check("sex", inside, f"{sex}, the training sample has {', '.join(known)}")


def check_covariates(model: SpareModel, given: Mapping[str, object]) -> Check:
    """Tell whether everything is given that scoring this person needs.

    Parameters
    ----------
    model : SpareModel
    given : mapping
        Covariates by name, ``site`` among them; None where not given.
    """
    needed = list(model.needed_covariates)
    if given.get("site") in model.sites:
        needed += [name for name in model.harmonization_covariates if name not in needed]
    missing = [name for name in needed if given.get(name) is None]
    if missing:
        return Check("covariates", False, f"the model needs {', '.join(missing)}")
    return Check("covariates", True, f"given as far as needed ({', '.join(needed) or 'none'})")


def check_site(model: SpareModel, site: str | None) -> Check:
    """Say what is done about the person's site; an unknown one is no reason to refuse."""
    if not model.sites:
        return Check("site", None, "the model does not harmonise sites")
    if site in model.sites:
        return Check("site", True, f"{site} is known, its effect was removed")
    named = f"{site} was not in the training sample" if site else "the site was not given"
    return Check(
        "site", None, f"{named}: volumes are used as measured, a site effect may remain in them"
    )


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED_REGIONS])
    return shown + (", ..." if len(names) > _NAMED_REGIONS else "")

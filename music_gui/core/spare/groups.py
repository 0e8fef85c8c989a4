"""Who is a patient and who is a control, from the diagnoses as a lab writes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import ParameterError

#: What labs write for people without the disease, in lower case.
_CONTROL_WORDS = (
    *("cn", "control", "controls", "hc", "nc", "hv", "healthy", "healthy control", "normal"),
    *("cognitively normal", "0", "-1"),
)


@dataclass(frozen=True, eq=False)
class Groups:
    """The two groups.

    Parameters
    ----------
    patients, controls : ndarray, shape (n,), bool
        Who belongs to which; people with another or no diagnosis belong to neither.
    patient_label, control_label : str
        What the diagnoses are called.
    """

    patients: NDArray[np.bool_]
    controls: NDArray[np.bool_]
    patient_label: str
    control_label: str


def choose_groups(diagnoses: NDArray[np.object_], patient: str, control: str) -> Groups:
    """Find patients and controls.

    Parameters
    ----------
    diagnoses : ndarray, shape (n,)
        Labels, None where missing.
    patient, control : str
        Which diagnoses to take; empty to find out, which works where there are two of them and
        one has a usual name of controls (CN, control, healthy, 0, -1, ...).

    Raises
    ------
    ParameterError
        If it can't be told, or a diagnosis asked for does not occur.
    """
    found = sorted({str(label) for label in diagnoses if label is not None})
    listing = "the diagnoses are " + (", ".join(found[:20]) or "all missing")
    for asked in (patient, control):
        if asked and asked not in found:
            raise ParameterError(f"no one has the diagnosis {asked}", why=listing)
    if patient and patient == control:
        raise ParameterError("patients and controls can't have the same diagnosis")
    if not control:
        usual = [label for label in found if label.lower() in _CONTROL_WORDS and label != patient]
        if len(usual) > 1 and {"0", "-1"} >= set(usual):
            usual = []  # -1 and 0: neither says more than the other
        if len(usual) != 1:
            raise ParameterError(
                "it can't be told which diagnosis is that of controls",
                why=listing,
                remedy="Name the diagnoses of controls and patients",
            )
        control = usual[0]
    if not patient:
        others = [label for label in found if label != control]
        if len(others) != 1:
            raise ParameterError(
                "it can't be told which diagnosis is that of patients",
                why=listing,
                remedy="Name the diagnosis of patients",
            )
        patient = others[0]
    return Groups(diagnoses == patient, diagnoses == control, patient, control)

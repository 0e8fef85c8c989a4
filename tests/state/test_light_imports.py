"""The application's start imports nothing heavy: fresh interpreters tell."""

import json
import subprocess
import sys

import pytest

HEAVY = {
    "pandas", "scipy", "sklearn", "statsmodels", "pyarrow", "nibabel", "bed_reader", "polars",
    "vtk", "vtkmodules", "pyvista", "pyvistaqt",
}  # fmt: skip


def modules_after(module: str) -> set[str]:
    code = f"import json, sys, {module}; print(json.dumps([m.split('.')[0] for m in sys.modules]))"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    return set(json.loads(printed))


@pytest.mark.parametrize("module", ["music_gui.state.session", "music_gui.cli"])
def test_it_loads_no_heavy_library_and_no_toolkit(module: str):
    assert not modules_after(module) & (HEAVY | {"PySide6", "pyqtgraph"})

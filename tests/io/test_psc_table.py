"""PSC tables on disk."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from music_gui.core.errors import InputError
from music_gui.io.psc_table import (
    PscSidecar,
    make_psc_table,
    read_psc_sidecar,
    read_psc_table,
    sidecar_path,
    write_psc_table,
)

PSCS = ("C2_1", "C2_2", "C3_1", "C3_2", "C3_3")


def sidecar(**more) -> PscSidecar:
    return PscSidecar(name="x_raw", atlas="x", atlas_hashes={2: "aa", 3: "bb"}, **more)


def table(n: int = 4):
    values = np.random.default_rng(0).normal(1e4, 1e3, (n, 5))
    values[:, 3] = np.nan
    values[1:2, 0] = np.nan
    return make_psc_table(
        [f"00{i}" for i in range(n)], ["ses-01"] * n, PSCS, values, sidecar(simulated=True)
    )


def test_a_table_comes_back_with_missing_values_and_ids_as_text(tmp_path):
    written = table()
    path = tmp_path / "psc" / "x_raw.parquet"
    assert write_psc_table(path, written) == ["x_raw.parquet", "x_raw.json"]
    again = read_psc_table(path)
    pd.testing.assert_frame_equal(again.table, written.table)
    assert again.table["participant_id"].tolist() == ["000", "001", "002", "003"]
    assert again.sidecar == written.sidecar
    assert again.sidecar.atlas_hashes == {2: "aa", 3: "bb"}
    assert again.pscs == PSCS
    assert again.scales == (2, 3)
    assert again.vanished == ("C3_2",)
    assert again.values.shape == (4, 5)


def test_the_same_table_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_psc_table(tmp_path / name / "x.parquet", table())
    for name in ("x.parquet", "x.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_pandas_alone_reads_it(tmp_path):
    write_psc_table(tmp_path / "x.parquet", table())
    plain = pd.read_parquet(tmp_path / "x.parquet")
    assert list(plain.columns) == ["participant_id", "session_id", *PSCS]
    assert plain["C2_1"].dtype == np.float64
    assert np.isnan(plain["C3_2"]).all()


def test_some_columns_are_read_in_the_order_asked_for(tmp_path):
    write_psc_table(tmp_path / "x.parquet", table())
    some = read_psc_table(tmp_path / "x.parquet", pscs=["C3_3", "C2_1"])
    assert some.pscs == ("C3_3", "C2_1")
    np.testing.assert_array_equal(some.values, table().values[:, [4, 0]])


def test_a_column_that_is_not_there_is_named(tmp_path):
    write_psc_table(tmp_path / "x.parquet", table())
    with pytest.raises(InputError, match="C3_9"):
        read_psc_table(tmp_path / "x.parquet", pscs=["C3_9"])


def test_a_table_without_rows_is_a_table(tmp_path):
    write_psc_table(tmp_path / "x.parquet", table(0))
    assert read_psc_table(tmp_path / "x.parquet").values.shape == (0, 5)


def test_one_person_twice_is_refused_by_name():
    with pytest.raises(InputError, match="sub-1, session ses-01 occurs twice"):
        make_psc_table(["sub-1", "sub-1"], ["ses-01"] * 2, PSCS, np.zeros((2, 5)), sidecar())


def test_two_sessions_of_one_person_are_two_rows():
    both = make_psc_table(["s", "s"], ["ses-01", "ses-02"], PSCS, np.zeros((2, 5)), sidecar())
    assert len(both.table) == 2


def test_a_column_that_is_no_psc_is_refused():
    with pytest.raises(InputError, match="age"):
        make_psc_table(["s"], ["ses-01"], ["age"], np.zeros((1, 1)), sidecar())


def test_a_missing_table_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match="`extract`"):
        read_psc_table(tmp_path / "x.parquet")


def test_a_cut_table_is_named(tmp_path):
    path = tmp_path / "x.parquet"
    write_psc_table(path, table())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="can't be read"):
        read_psc_table(path)


def test_a_damaged_sidecar_is_named(tmp_path):
    path = tmp_path / "x.parquet"
    write_psc_table(path, table())
    sidecar_path(path).write_text('{"name": 3}')
    with pytest.raises(InputError, match="description"):
        read_psc_sidecar(path)

"""Covariates of people as arrays: a data frame costs too much in the loops of cross-validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class CovariateTable:
    """Columns of a table, each as numbers or as labels.

    Parameters
    ----------
    names : ndarray, shape (n,), object
        What a row is called in errors.
    columns : mapping of str to ndarray, shape (n,)
        float64 with NaN where missing, or object: text with None where missing.
    """

    names: NDArray[np.object_]
    columns: Mapping[str, NDArray[Any]]

    @classmethod
    def of(cls, table: pd.DataFrame | Self, names: Sequence[str] | None = None) -> Self:
        """Convert a data frame once; a table that is converted already stays as it is.

        Parameters
        ----------
        table : DataFrame or CovariateTable
            The data frame's index names its rows.
        names : sequence of str, optional
            Columns to take as far as they exist; all by default.
        """
        if not isinstance(table, pd.DataFrame):
            return table
        chosen = [name for name in table.columns if names is None or name in names]
        return cls(
            np.array(table.index, dtype=object),
            {
                str(name): table[name].to_numpy(dtype=np.float64, na_value=np.nan)
                if _is_number(table[name])
                else as_labels(table[name])
                for name in chosen
            },
        )

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """Return some of the rows."""
        columns = {name: values[chosen] for name, values in self.columns.items()}
        return type(self)(self.names[chosen], columns)

    def is_number(self, name: str) -> bool:
        """Tell whether a column holds numbers."""
        return bool(self.columns[name].dtype == np.float64)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers."""
        return self.columns[name]

    def labels(self, name: str) -> NDArray[np.object_]:
        """Return a column as text, None where missing."""
        return as_labels(self.columns[name])

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Tell which rows lack a value, shape (n,)."""
        values = self.columns[name]
        if self.is_number(name):
            missing: NDArray[np.bool_] = ~np.isfinite(values)
            return missing
        return np.array([value is None for value in values], dtype=bool)

    def is_constant(self, name: str) -> bool:
        """Tell whether all rows that have a value have the same."""
        values = self.columns[name][~self.missing(name)]
        return len(values) == 0 or bool((values == values[0]).all())


def as_labels(values: pd.Series[Any] | NDArray[Any]) -> NDArray[np.object_]:
    """Return categories as text, None where missing; whole numbers lose their ``.0``."""

    def label(value: Any) -> str | None:
        if pd.isna(value) or (isinstance(value, str) and not value.strip()):
            return None
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value).strip()

    if isinstance(values, np.ndarray) and values.dtype == object:
        return values  # labels already
    codes, different = pd.factorize(values)
    labels = np.array([*map(label, different), None], dtype=object)  # -1, the last: missing
    return labels[codes]


def _is_number(column: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)

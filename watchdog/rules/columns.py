"""Columns that sheets compute with: constants stay scalars until they meet one, what is not finite is unknown.

Truths are held as 0 false, 1 unknown, 2 true, so that `and` is the smaller, `or` the larger, and `not` 2 minus.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from watchdog.readings.snapshot import Flags, Floats

_T = TypeVar("_T", bound=np.generic)
Logic = npt.NDArray[np.int8]
NO, MAYBE, YES = 0, 1, 2


def finite(values: Floats) -> Floats | float:
    """What has no finite result, a division by zero above all, is unknown."""
    if values.ndim == 0:
        return float(values) if np.isfinite(values) else float("nan")
    bad = ~np.isfinite(values)
    if bad.any():
        values[bad] = np.nan
    return values


def without_never(values: Floats | float) -> Floats:
    """What arithmetic calculates with: never, an infinite duration, is unknown there."""
    made = np.asarray(values)
    return np.where(np.isinf(made), np.nan, made) if np.isinf(made).any() else made


def logic(true: Flags, unknown: Flags | bool | np.bool_) -> Logic | int:
    """Truths of flags and of where they are unknown."""
    made = np.asarray(true, dtype=np.int8) * np.int8(YES)
    if made.ndim == 0 and np.ndim(unknown) == 0:
        return MAYBE if unknown else int(made)
    if np.ndim(unknown) == 0:
        if unknown:
            made[...] = MAYBE
        return made
    if made.ndim == 0:
        made = np.full(np.shape(unknown), made, dtype=np.int8)
    np.copyto(made, np.int8(MAYBE), where=np.asarray(unknown))
    return made


def column(value: npt.NDArray[_T] | float, rows: int, dtype: type[_T]) -> npt.NDArray[_T]:
    """A column of so many rows, of a column or a constant."""
    if isinstance(value, np.ndarray) and value.ndim:
        return value
    return np.full(rows, value, dtype=dtype)


def picked(
    variant: npt.NDArray[np.intp], options: Sequence[npt.NDArray[_T] | float], dtype: type[_T]
) -> npt.NDArray[_T]:
    """For each row the option of its variant; numpy's own `choose` takes a few dozen at most."""
    found = np.empty(len(variant), dtype=dtype)
    for index in np.unique(variant):
        rows, option = variant == index, options[index]
        found[rows] = option[rows] if isinstance(option, np.ndarray) and option.ndim else option
    return found

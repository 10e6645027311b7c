"""What is too old or means "no reading" becomes nothing, the same for columns and for single readings."""

from __future__ import annotations

import numpy as np

from watchdog.readings.catalogue import CATALOGUE, STALE_AFTER
from watchdog.readings.snapshot import Column, Flags, Texts


def fresh(column: Column, metric: str, at: float) -> Column:
    """The column without readings that are stale at `at`, and without the metric's "no reading" value.

    Instants later than `at` become `at`.
    """
    known = CATALOGUE.get(metric)
    numbers, texts, times = column.numbers, column.texts, column.times
    if known is not None and known.nothing is not None:
        gone = numbers == known.nothing
        if gone.any():
            numbers = np.where(gone, np.nan, numbers)
    if times is not None:
        times = np.minimum(times, at)
        stale = at - times > (known.stale_after if known else STALE_AFTER)
        if stale.any():
            numbers = np.where(stale, np.nan, numbers)
            texts = None if texts is None else without(texts, stale)
    return Column(numbers, texts, times)


def fresh_value(value: float | str | None, metric: str, read_at: float, at: float) -> float | str | None:
    """The same for one reading."""
    known = CATALOGUE.get(metric)
    if known is not None and known.nothing is not None and value == known.nothing:
        return None
    return None if at - read_at > (known.stale_after if known else STALE_AFTER) else value


def without(texts: Texts, gone: Flags) -> Texts:
    """The texts with nothing where `gone`."""
    kept = texts.copy()
    kept[gone] = None
    return kept

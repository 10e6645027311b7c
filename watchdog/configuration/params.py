"""Params' values: numbers, durations, sizes, texts."""

from __future__ import annotations

import math
from collections.abc import Callable

from watchdog.configuration.places import Scalar
from watchdog.rules.rule import Quantity
from watchdog.units import parse_duration, parse_size

_READERS: tuple[tuple[Callable[[str], float], str], ...] = ((parse_duration, "s"), (parse_size, "bytes"))


def quantity(node: Scalar) -> Quantity | None:
    """A param's value: a duration, a size, a number, true or false, else a text; None for a number without bounds.
    Quoted values are texts as well, but a quoted duration is still a duration: people quote out of habit."""
    if isinstance(node.value, bool):
        return Quantity(node.value)
    if isinstance(node.value, int | float):
        try:
            return Quantity(float(node.value)) if math.isfinite(node.value) else None
        except OverflowError:  # an integer beyond every float
            return None
    for read, unit in _READERS:
        try:
            value = read(node.text)
        except ValueError:
            continue
        return Quantity(value, unit) if math.isfinite(value) else None
    return Quantity(node.text)

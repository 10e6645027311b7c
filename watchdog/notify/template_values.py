"""Numbers of texts: they keep their unit through arithmetic, and instants know how long ago they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Self

from watchdog.units import format_number

#: Units of time in seconds; they may meet in one sum, as a lag in ms and a limit in s do.
_SECONDS = {"ms": 0.001, "s": 1.0}


class Number(float):
    """A number that knows its unit (`ms`, `s`, `bytes`, … or "").

    A plain number takes the unit of what it meets; ms and s meet as seconds; a unit divided by itself is plain.
    """

    unit: str

    def __new__(cls, value: float, unit: str = "") -> Self:
        made = super().__new__(cls, value)
        made.unit = unit
        return made

    @property
    def seconds(self) -> float:
        """As a duration; a plain number is one in seconds."""
        return float(self) * _SECONDS.get(self.unit, 1.0)

    def __str__(self) -> str:
        return format_number(float(self))

    def __format__(self, spec: str) -> str:
        return format(float(self), spec) if spec else str(self)

    def __add__(self, other: float) -> Number:
        return _together(self, other, float.__add__)

    def __radd__(self, other: float) -> Number:
        return _together(self, other, lambda mine, theirs: theirs + mine)

    def __sub__(self, other: float) -> Number:
        return _together(self, other, float.__sub__)

    def __rsub__(self, other: float) -> Number:
        return _together(self, other, lambda mine, theirs: theirs - mine)

    def __mul__(self, other: float) -> Number:
        return Number(float(self) * float(other), "" if getattr(other, "unit", "") else self.unit)

    __rmul__ = __mul__

    def __truediv__(self, other: float) -> Number:
        if isinstance(other, Number) and other.unit:
            mine, theirs, _ = _alike(self, other)
            return Number(mine / theirs)
        return Number(float(self) / float(other), self.unit)

    def __rtruediv__(self, other: float) -> Number:
        return Number(float(other) / float(self))

    def __neg__(self) -> Number:
        return Number(-float(self), self.unit)

    def __pos__(self) -> Number:
        return self

    def __abs__(self) -> Number:
        return Number(abs(float(self)), self.unit)

    def __lt__(self, other: Any) -> bool:
        return _compared(self, other, float.__lt__)

    def __le__(self, other: Any) -> bool:
        return _compared(self, other, float.__le__)

    def __gt__(self, other: Any) -> bool:
        return _compared(self, other, float.__gt__)

    def __ge__(self, other: Any) -> bool:
        return _compared(self, other, float.__ge__)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int | float) and _compared(self, other, float.__eq__)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.seconds)


class Worded(Number):
    """A number that is printed in words where no filter says how. What arithmetic makes of it is a plain Number."""

    words: str

    def __new__(cls, value: float, unit: str, words: str) -> Worded:
        made = super().__new__(cls, value, unit)
        made.words = words
        return made

    def __str__(self) -> str:
        return self.words


class Instant(float):
    """A time in seconds since the epoch, and its age in seconds when the text is made."""

    age: float

    def __new__(cls, at: float, now: float) -> Instant:
        made = super().__new__(cls, at)
        made.age = now - at
        return made

    def __str__(self) -> str:
        return datetime.fromtimestamp(float(self), UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def seconds_of(value: float) -> float:
    """How long a value is: of an instant its age, of a plain number itself."""
    if isinstance(value, Instant):
        return value.age
    return value.seconds if isinstance(value, Number) else float(value)


def _alike(mine: Number, theirs: float) -> tuple[float, float, str]:
    """Both in one unit, and that unit."""
    unit = getattr(theirs, "unit", "")
    if mine.unit != unit and mine.unit in _SECONDS and unit in _SECONDS:
        return mine.seconds, seconds_of(theirs), "s"
    return float(mine), float(theirs), mine.unit or unit


def _together(mine: Number, theirs: float, operation: Callable[[float, float], float]) -> Number:
    if not isinstance(theirs, int | float):
        raise TypeError(f"{theirs!r} is not a number")
    left, right, unit = _alike(mine, theirs)
    return Number(operation(left, right), unit)


def _compared(mine: Number, theirs: Any, comparison: Callable[[float, float], bool]) -> bool:
    if not isinstance(theirs, int | float):
        raise TypeError(f"{theirs!r} is not a number")
    left, right, _ = _alike(mine, theirs)
    return comparison(left, right)

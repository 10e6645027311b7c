"""Which values fit together: numbers with their units, texts, and what becomes of a unit in arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

from watchdog.readings.catalogue import CATALOGUE
from watchdog.rules.expressions.plan import (
    Arithmetic,
    Const,
    Pause,
    Reading,
    Sort,
    Unchanged,
    Value,
    Window,
    calculate,
)
from watchdog.spelling import did_you_mean
from watchdog.units import near_quantity


@dataclass(frozen=True, slots=True)
class Typed:
    """A value with what is known of it.

    `free`: it is made of durations or sizes only, so it takes the unit of what it meets; a metric's keeps its own.
    """

    plan: Value
    sort: Sort = Sort.NUMBER
    unit: str = ""
    free: bool = False

    @property
    def constant(self) -> bool:
        return isinstance(self.plan, Const)


class UnfitError(Exception):
    """Two values that do not go together; the text says why."""


_TIME = {"ms": 1000.0, "s": 1.0}
_NAMES = {"ms": "milliseconds", "s": "seconds", "state": "a state", "": "a plain number"}


def unified(values: list[Typed]) -> tuple[list[Typed], str]:
    """The numbers in one unit, and that unit; raises UnfitError.

    A plain number is in the unit of the others; a duration or size is converted to it.
    """
    rigid = [value for value in values if value.unit and not value.free]
    free = [value for value in values if value.free]
    for value in rigid[1:]:
        if value.unit != rigid[0].unit:
            raise UnfitError(_two_units(rigid[0].unit, value.unit))
    for value in free[1:]:
        if value.unit != free[0].unit:
            raise UnfitError("a duration and a size do not fit together")
    if rigid:
        unit = rigid[0].unit
        return [_converted(value, unit) if value.free else _adopted(value, unit) for value in values], unit
    if free and len(free) < len(values):
        what, example = ("duration", "30s") if free[0].unit == "s" else ("size", "10MiB")
        plain = next(value for value in values if not value.free)
        if plain.constant:
            raise UnfitError(
                f"a {what} and a plain number do not fit together; give the number its unit, e.g. {example}"
            )
        raise UnfitError(f"a {what} meets a value without a unit; write a plain number{_misspelt(plain.plan)}")
    return values, free[0].unit if free else ""


def _misspelt(plan: Value) -> str:
    """Why it may have no unit: a name that is nearly one of the catalogue's."""
    if isinstance(plan, Reading | Window | Unchanged | Pause) and plan.metric not in CATALOGUE:
        near = did_you_mean(plan.metric, CATALOGUE)
        return f"; '{plan.metric}' is not in the catalogue{near}" if near else ""
    return ""


def _converted(value: Typed, unit: str) -> Typed:
    base = unit.removesuffix("/s")
    factor = 1.0
    if value.unit == "s" and base in _TIME:
        factor = _TIME[base]
    elif value.unit != base:
        what = "a duration" if value.unit == "s" else "a size"
        raise UnfitError(f"{what} does not fit {_named(unit)}; write a plain number" + _example(base))
    if isinstance(value.plan, Const):
        return Typed(Const(calculate("*", value.plan.number, factor), unit), unit=unit)
    plan = value.plan if factor == 1.0 else Arithmetic("*", value.plan, Const(factor))
    return Typed(plan, unit=unit)


def _adopted(value: Typed, unit: str) -> Typed:
    """A plain number takes the unit of what it meets."""
    if isinstance(value.plan, Const) and not value.unit:
        return Typed(Const(value.plan.value, unit), value.sort, unit)
    return Typed(value.plan, value.sort, unit)


def _named(unit: str) -> str:
    return _NAMES.get(unit, unit)


def _example(base: str) -> str:
    return {"ms": " or a duration (5m)", "s": " or a duration (5m)", "bytes": " or a size (10MiB)"}.get(base, "")


def _two_units(first: str, second: str) -> str:
    hint = "; divide by 1s and multiply by 1ms to convert" if {first, second} == {"ms", "s"} else ""
    return f"{_named(first)} and {_named(second)} do not fit together{hint}"


def combined(operator: str, left: Typed, right: Typed) -> Typed:
    """The result of an arithmetic step; raises UnfitError."""
    free = False
    if operator in "+-":
        (left, right), unit = unified([left, right])
        free = left.free and right.free
    elif operator == "*":
        if left.unit and right.unit:
            raise UnfitError(
                f"{_named(left.unit)} times {_named(right.unit)} has no unit here; one of the two must be plain"
            )
        unit, free = left.unit or right.unit, left.free or right.free
    elif not right.unit:
        unit, free = left.unit, left.free
    elif not left.unit:
        raise UnfitError(f"a plain number divided by {_named(right.unit)} has no unit here")
    else:
        (left, right), _ = unified([left, right])
        unit = ""
    if isinstance(left.plan, Const) and isinstance(right.plan, Const):
        return Typed(Const(calculate(operator, left.plan.number, right.plan.number), unit), unit=unit, free=free)
    return Typed(Arithmetic(operator, left.plan, right.plan), unit=unit, free=free)


def text_sort(values: list[Typed]) -> Sort:
    """Whether values are compared as numbers, as texts, or row by row as what they are; raises UnfitError."""
    sorts = {value.sort for value in values}
    if sorts >= {Sort.NUMBER, Sort.TEXT}:
        words = (value.plan.value for value in values if isinstance(value.plan, Const))
        meant = next(filter(None, (near_quantity(word) for word in words if isinstance(word, str))), "")
        raise UnfitError("a text and a number do not fit together" + (f"; did you mean {meant}?" if meant else ""))
    if Sort.TEXT in sorts:
        return Sort.TEXT
    return Sort.NUMBER if Sort.NUMBER in sorts else Sort.ANY

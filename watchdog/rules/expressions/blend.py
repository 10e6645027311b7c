"""The plans of a rule's variants as one: what they share is computed once, what differs is chosen row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TypeVar

from watchdog.rules.expressions.plan import (
    Absolute,
    Arithmetic,
    Choose,
    Coalesce,
    Compare,
    Extreme,
    Junction,
    Matching,
    Negative,
    Not,
    Plan,
    Presence,
)

_P = TypeVar("_P", bound=Plan)
#: Plans whose parts are over the same rows as they are; through relatives the rows change, and with them the variants.
_SAME_ROWS = (Absolute, Arithmetic, Coalesce, Compare, Extreme, Junction, Matching, Negative, Not, Presence)


def blend(owner: str, plans: Sequence[_P]) -> _P:
    """One plan for all variants, in their order; `owner` is the rule's name."""
    first = plans[0]
    if all(plan == first for plan in plans):
        return first
    if any(type(plan) is not type(first) for plan in plans) or not isinstance(first, _SAME_ROWS):
        return _choice(owner, plans)
    parts: dict[str, object] = {}
    for field in fields(first):
        values = [getattr(plan, field.name) for plan in plans]
        if all(value == values[0] for value in values):
            continue
        if all(_is_plan(value) for value in values):
            parts[field.name] = blend(owner, values)
        elif all(isinstance(value, tuple) and len(value) == len(values[0]) for value in values):
            parts[field.name] = tuple(blend(owner, column) for column in zip(*values, strict=True))
        else:  # another operator, pattern or unit
            return _choice(owner, plans)
    return replace(first, **parts)  # type: ignore[arg-type]


def _choice(owner: str, plans: Sequence[_P]) -> _P:
    return Choose(owner, tuple(plans))  # type: ignore[arg-type, return-value]


def _is_plan(value: object) -> bool:
    return isinstance(value, Plan)

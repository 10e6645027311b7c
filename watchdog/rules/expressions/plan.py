"""What is left of an expression once names, units and params are settled: values to compute and their rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import TypeVar

from watchdog.readings.fleet import Kind


class Sort(Enum):
    """What a value can be."""

    NUMBER = "number"
    TEXT = "text"
    ANY = "any"  #: of a metric outside the catalogue: each row has its own


@dataclass(frozen=True, slots=True)
class Const:
    """A constant in the unit it is compared in; NaN is unknown."""

    value: float | str
    unit: str = ""

    def __eq__(self, other: object) -> bool:
        """NaN equals itself here: two unknown constants are the same plan."""
        if not isinstance(other, Const) or self.unit != other.unit or type(self.value) is not type(other.value):
            return False
        return self.value == other.value or (self.value != self.value and other.value != other.value)

    def __hash__(self) -> int:
        return hash(("nan" if self.value != self.value else self.value, self.unit))

    @property
    def number(self) -> float:
        return self.value if isinstance(self.value, float) else math.nan


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric at this poll."""

    kind: Kind
    metric: str


@dataclass(frozen=True, slots=True)
class Window:
    """A function over the readings of a metric in the last `seconds`, or in as many before the last `offset`.

    `ago` is the one that may answer texts.
    """

    function: str
    kind: Kind
    metric: str
    seconds: float
    quantile: float = 0.0
    offset: float = 0.0

    @property
    def reach(self) -> float:
        """How far it looks back, in seconds."""
        return self.seconds + self.offset


@dataclass(frozen=True, slots=True)
class Unchanged:
    kind: Kind
    metric: str


@dataclass(frozen=True, slots=True)
class Pause:
    """The longest pause of a metric that ended today or on one of the `days` before."""

    kind: Kind
    metric: str
    days: int


@dataclass(frozen=True, slots=True)
class Until:
    """How many seconds until `value` is `target` at `slope`; infinite is never."""

    value: Value
    target: Value
    slope: Value


@dataclass(frozen=True, slots=True)
class Arithmetic:
    operator: str
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class Negative:
    operand: Value


@dataclass(frozen=True, slots=True)
class Absolute:
    operand: Value


@dataclass(frozen=True, slots=True)
class Extreme:
    """`min` or `max` of several values."""

    function: str
    parts: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Coalesce:
    """The first that is known."""

    parts: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Relative:
    """A value of the one relative upwards: `connector.x`; `body` is a plan over the relative's kind."""

    kind: Kind
    relation: str
    body: Value


@dataclass(frozen=True, slots=True)
class Family:
    """`count`, `sum`, `min`, `max` or `avg` over the children; `body` is a plan over the children's kind."""

    kind: Kind
    relation: str
    function: str
    body: Value | Truth | None = None


@dataclass(frozen=True, slots=True)
class Choose:
    """What differs between a rule's overrides: each row takes its variant's. `owner` is the rule's name."""

    owner: str
    options: tuple[Value, ...] | tuple[Truth, ...]


@dataclass(frozen=True, slots=True)
class Always:
    """A truth that no reading changes: 1, 0, -1 for unknown."""

    truth: int


@dataclass(frozen=True, slots=True)
class Compare:
    """Two values of one unit; `sort` tells what is compared."""

    operator: str
    left: Value
    right: Value
    sort: Sort
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Among:
    left: Value
    items: tuple[Const, ...]
    negated: bool
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Matching:
    left: Value
    pattern: str
    negated: bool


@dataclass(frozen=True, slots=True)
class Presence:
    """`present(x)`, or `absent(x)`."""

    operand: Value
    present: bool


@dataclass(frozen=True, slots=True)
class Junction:
    """`and` or `or`."""

    operator: str
    parts: tuple[Truth, ...]


@dataclass(frozen=True, slots=True)
class Not:
    operand: Truth


Value = (
    Const
    | Reading
    | Window
    | Unchanged
    | Pause
    | Until
    | Arithmetic
    | Negative
    | Absolute
    | Extreme
    | Coalesce
    | Relative
    | Family
    | Choose
)
Truth = Always | Compare | Among | Matching | Presence | Junction | Not | Choose
Plan = Value | Truth


def children(plan: Plan) -> tuple[Plan, ...]:
    """The plans a plan is made of, those of relatives included."""
    match plan:
        case Arithmetic(_, left, right) | Compare(_, left, right):
            return (left, right)
        case Until(value, target, slope):
            return (value, target, slope)
        case Negative(operand) | Absolute(operand) | Not(operand) | Presence(operand):
            return (operand,)
        case Extreme(_, parts) | Coalesce(parts) | Junction(_, parts) | Choose(_, parts):
            return parts
        case Among(left, items):
            return (left, *items)
        case Matching(left):
            return (left,)
        case Relative(_, _, body):
            return (body,)
        case Family(body=body) if body is not None:
            return (body,)
        case _:
            return ()


def walk(plan: Plan) -> Iterator[Plan]:
    """The plan and everything in it, in text order."""
    yield plan
    for child in children(plan):
        yield from walk(child)


def conditions(plan: Truth) -> Iterator[Truth]:
    """What `and`, `or` and `not` join, in text order: comparisons, and whether something is there."""
    match plan:
        case Junction(_, parts):
            for part in parts:
                yield from conditions(part)
        case Not(operand):
            yield from conditions(operand)
        case Compare() | Among() | Matching() | Presence():
            yield plan
        case _:
            return


def calculate(operator: str, left: float, right: float) -> float:
    """One arithmetic step on constants; NaN where it has no finite result, as for columns."""
    try:
        match operator:
            case "+":
                made = left + right
            case "-":
                made = left - right
            case "*":
                made = left * right
            case _:
                made = left / right
    except (ZeroDivisionError, OverflowError):
        return math.nan
    return made if math.isfinite(made) else math.nan


_P = TypeVar("_P", bound=Plan)
#: Plans whose parts are over the same rows as they are; through relatives the rows change, and with them the variants.
_SAME_ROWS = (Absolute, Arithmetic, Coalesce, Compare, Extreme, Junction, Matching, Negative, Not, Presence, Until)


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

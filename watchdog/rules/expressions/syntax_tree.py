"""What an expression says, as a tree: every node knows where it stands in the text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """Part of the text: characters `start` up to `end`."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        return Span(self.start, other.end)


@dataclass(frozen=True, slots=True)
class Literal:
    """A plain number, duration ("s"), size ("bytes"), text or true/false."""

    value: float | str | bool
    unit: str
    at: Span


@dataclass(frozen=True, slots=True)
class Path:
    """`name` or `relation.name`: a metric, a param, or a reading of a relative."""

    names: tuple[str, ...]
    spans: tuple[Span, ...]
    at: Span


@dataclass(frozen=True, slots=True)
class Call:
    callee: Path
    arguments: tuple[Syntax, ...]
    at: Span


@dataclass(frozen=True, slots=True)
class Negative:
    operand: Syntax
    at: Span


@dataclass(frozen=True, slots=True)
class Arithmetic:
    operator: str  #: + - * /
    left: Syntax
    right: Syntax
    operator_at: Span
    at: Span


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left operator right`; of `in` and `not in` the right side is a list."""

    operator: str  #: == != > >= < <= =~ !~ in "not in"
    left: Syntax
    right: Syntax | tuple[Syntax, ...]
    operator_at: Span
    at: Span


@dataclass(frozen=True, slots=True)
class Logic:
    operator: str  #: and, or
    parts: tuple[Syntax, ...]
    at: Span


@dataclass(frozen=True, slots=True)
class Not:
    operand: Syntax
    at: Span


Syntax = Literal | Path | Call | Negative | Arithmetic | Comparison | Logic | Not

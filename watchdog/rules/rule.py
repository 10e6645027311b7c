"""A rule as it is judged: what it iterates over, what must not be true, and how long before anybody hears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from watchdog.readings.fleet import Kind
from watchdog.rules.selector import Selector

if TYPE_CHECKING:
    from watchdog.rules.expressions import Expression


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class NoData(StrEnum):
    """What an unknown verdict counts as."""

    KEEP = "keep"  #: nothing: the state stays what it was
    ALERT = "alert"  #: true
    OK = "ok"  #: false


@dataclass(frozen=True, slots=True)
class Flapping:
    """When an alert is held firing because it keeps changing: `changes` beginnings and ends `within` seconds."""

    changes: int = 6
    within: float = 3600.0


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with its unit: params, values of alerts. `unit` is "" for plain numbers and texts; durations are in "s"
    and sizes in "bytes" until they meet a metric."""

    value: float | str | bool
    unit: str = ""


#: Stands for a value that could not be read. It fits everywhere: what is wrong with it was said where it is written.
UNREADABLE = Quantity(0.0, "?")


@dataclass(frozen=True, slots=True)
class Terms:
    """What may differ from entity to entity: a rule's own terms, or those of an override merged over them."""

    params: Mapping[str, Quantity] = field(default_factory=dict)
    for_: float = 0.0
    keep_firing_for: float = 0.0
    severity: Severity = Severity.WARNING
    no_data: NoData = NoData.KEEP
    labels: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Override:
    """Terms for the entities it selects; the first of a rule that matches wins."""

    where: Selector
    terms: Terms


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, checked: its expressions compile and its texts parse."""

    name: str
    each: Kind
    expr: Expression
    clear: Expression | None = None
    where: Selector = field(default_factory=Selector)
    terms: Terms = field(default_factory=Terms)
    overrides: tuple[Override, ...] = ()
    flapping: Flapping | None = field(default_factory=Flapping)
    annotations: Mapping[str, str] = field(default_factory=dict)  #: summary, description, runbook_url, and others
    suppresses: tuple[str, ...] = ()  #: globs over rule names
    place: str = ""  #: file:line, for people

    @property
    def variants(self) -> tuple[Terms, ...]:
        """Its own terms, then those of its overrides; verdicts name a variant by its index here."""
        return (self.terms, *(override.terms for override in self.overrides))

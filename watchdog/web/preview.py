"""What a silence would cover, before anybody makes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from watchdog.alerts.episodes import Episode
from watchdog.alerts.silences import Matcher
from watchdog.cycle.facts import labels_of
from watchdog.cycle.judged import Judged
from watchdog.readings.fleet import LabelValue

#: Alerts that are tried at most: a silence over everything needs no exact count.
_TRIED = 50_000
_NAMED = 12


@dataclass(frozen=True, slots=True)
class Preview:
    """`firing` alerts it would hold back now; `possible` alerts (a rule on an entity) it would cover at all, `names`
    some of them; `more`: there are at least so many."""

    firing: tuple[Episode, ...]
    possible: int
    names: tuple[str, ...]
    more: bool

    @property
    def unnamed(self) -> int:
        return self.possible - len(self.names)


def preview(matchers: Sequence[Matcher], firing: Iterable[Episode], judged: Judged | None) -> Preview:
    """By the labels of the last poll."""
    covered = tuple(one for one in firing if _all(matchers, one.facts.labels))
    names: list[str] = []
    possible = tried = 0
    for verdicts in () if judged is None else judged.verdicts.values():
        rule = verdicts.rule
        if not _all([one for one in matchers if one.name == "alertname"], {"alertname": rule.name}):
            continue
        for row, variant in zip(verdicts.rows.tolist(), verdicts.variant.tolist(), strict=True):
            tried += 1
            if tried > _TRIED:
                return Preview(covered, possible, tuple(names), True)
            entity = verdicts.table.entities[row]
            if _all(matchers, labels_of(rule, rule.variants[variant], entity)):
                possible += 1
                if len(names) < _NAMED:
                    names.append(f"{rule.name} on {entity.name}")
    return Preview(covered, possible, tuple(names), False)


def _all(matchers: Iterable[Matcher], labels: Mapping[str, LabelValue]) -> bool:
    return all(matcher.matches(labels) for matcher in matchers)

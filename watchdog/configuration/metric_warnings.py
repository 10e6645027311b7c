"""Warnings about metrics a rule names: those nobody has seen, and those another kind of entity has."""

from __future__ import annotations

from collections.abc import Collection

from watchdog.readings.catalogue import CATALOGUE
from watchdog.readings.fleet import Kind
from watchdog.rules.expressions import article
from watchdog.spelling import did_you_mean


def unseen(metric: str, seen: Collection[str], others: Collection[str] = ()) -> str | None:
    """What to say of a metric that neither the catalogue nor any poll knows: it is probably misspelled, or one of the
    `others` is meant. None for one that is known."""
    if metric in CATALOGUE or metric in seen:
        return None
    hint = did_you_mean(metric, {*CATALOGUE, *seen, *others}) or f'; if it is a text, write "{metric}"'
    return f"no poll has seen a metric '{metric}', and it is not in the catalogue{hint}"


def elsewhere(metric: str, kind: Kind) -> str | None:
    """What to say of a metric that others have: it would be unknown at every poll, and nobody would hear of it."""
    known = CATALOGUE.get(metric)
    kinds = {kind, Kind.SOURCE, Kind.DESTINATION} if kind is Kind.CONNECTOR else {kind}
    if known is None or not known.on.isdisjoint(kinds):
        return None
    return f"by the catalogue {article(kind)} has no '{metric}'; it is a metric of: {', '.join(sorted(known.on))}"

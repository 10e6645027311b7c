"""What rules match right now: one poll of the real API, judged and not kept."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from watchdog.app.startup import client_of, poller_of
from watchdog.cycle.policy import Policy
from watchdog.errors import ApiError
from watchdog.readings.fleet import Fleet, Kind
from watchdog.readings.history import History
from watchdog.readings.presence import Presence
from watchdog.readings.reading_age import Ages
from watchdog.readings.snapshot import Snapshot
from watchdog.rules.evaluator import Evaluator
from watchdog.rules.verdicts import TRUE, UNKNOWN, Verdicts
from watchdog.settings import Settings


@dataclass(frozen=True, slots=True)
class Glance:
    """What one poll saw. `errors` are the requests that failed; what they would have answered for is in no snapshot."""

    fleet: Fleet
    snapshot: Snapshot
    errors: tuple[ApiError, ...]
    without_readings: Mapping[Kind, Sequence[str]] = field(default_factory=dict)  #: entities by name

    @property
    def metrics(self) -> set[str]:
        """Every metric that some entity has a reading of."""
        return {name for kind in Kind for name in self.snapshot.names(kind)}


@dataclass(frozen=True, slots=True)
class Match:
    """One rule over that poll: it `covers` some `of` all entities of its kind; `missing` are the metrics it names that
    no entity has a reading of. `never`: as things are, it cannot be true or false of anything."""

    rule: str
    each: str
    covers: int
    of: int
    true: int
    unknown: int
    missing: tuple[str, ...]
    enabled: bool
    windows: bool

    @property
    def never(self) -> bool:
        blind = self.unknown == self.covers and bool(self.missing or not self.windows)
        return self.enabled and (blind or not self.covers)

    def __str__(self) -> str:
        if not self.enabled:
            return f"{self.rule}: disabled"
        text = f"{self.rule}: covers {self.covers} of {self.of} {self.each}{'' if self.of == 1 else 's'}"
        if not self.covers:
            return text + (", for its where matches none" if self.of else ", for there is none")
        text += f", {self.true} true now"
        if self.unknown:
            text += f", {self.unknown} unknown ({self._why()})"
        return text

    def _why(self) -> str:
        if self.missing:
            return f"nothing has a reading of {', '.join(self.missing)}"
        if self.windows and self.unknown < self.covers:
            return "they have no such reading, or its windows fill while the service runs"
        return "its windows fill while the service runs" if self.windows else "they have no such reading"


def glance(settings: Settings) -> Glance:
    """Sign in and poll once. Raises SettingsError without credentials; a request that fails is among the errors."""
    with client_of(settings) as client:
        polled = poller_of(settings, client).poll(time.time())
    presence, _ = Presence.of([], polled.at).after(polled.listing, polled.at)
    ages = Ages()
    snapshot = polled.snapshot(presence.fleet)
    ages.update(snapshot, polled)
    silent = {kind: names for kind, names in ages.names_without_readings(presence.fleet).items() if names}
    return Glance(presence.fleet, ages.beside(snapshot), polled.failures.errors, silent)


def matches(policy: Policy, seen: Glance, every: float) -> Iterator[Match]:
    """What each rule makes of it; those of the watchdog itself judge the service, which does not run here."""
    history, evaluator = History(), Evaluator(policy.rules, every)
    history.want(evaluator.wanted)
    history.record(seen.snapshot)
    for verdicts in evaluator.judge(seen.snapshot, history):
        if verdicts.rule.each != Kind.WATCHDOG:
            yield _match(verdicts, seen.snapshot)


def _match(verdicts: Verdicts, snapshot: Snapshot) -> Match:
    rule = verdicts.rule
    missing = sorted({name for kind, name in rule.expr.metrics if name not in snapshot.names(kind)})
    return Match(
        rule=rule.name,
        each=str(rule.each),
        covers=len(verdicts.rows),
        of=len(verdicts.table),
        true=int((verdicts.truth == TRUE).sum()),
        unknown=int((verdicts.truth == UNKNOWN).sum()),
        missing=tuple(missing),
        enabled=any(terms.enabled for terms in (rule.terms, *(one.terms for one in rule.overrides))),
        windows=bool(rule.expr.windows),
    )

"""The life of one alert: what one poll's verdict does to its state. Reads no clock, touches no store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2s
from typing import NamedTuple
from uuid import UUID

from watchdog.readings.fleet import EntityKey, Kind
from watchdog.rules.rule import Flapping, NoData, Terms
from watchdog.rules.verdicts import FALSE, TRUE, UNKNOWN

#: A pending alert's clock outlives gaps of up to this many polls.
GAP_POLLS = 10


class AlertKey(NamedTuple):
    """What an alert *is*: a rule's name and an entity, nothing else."""

    rule: str
    kind: Kind
    entity: str

    @property
    def entity_key(self) -> EntityKey:
        return EntityKey(self.kind, self.entity)

    def __str__(self) -> str:
        return f"{self.rule} on {self.kind}/{self.entity}"


class Phase(StrEnum):
    INACTIVE = "inactive"  #: not true
    PENDING = "pending"  #: true, but not yet for as long as `for` asks
    FIRING = "firing"  #: true for long enough; receivers are told
    RESOLVED = "resolved"  #: was firing, is over, until it is pending or firing again


class Change(StrEnum):
    """What a poll did to an alert that is worth remembering."""

    PENDING = "pending"  #: first true poll
    CALMED = "calmed"  #: false again before it fired
    BEGAN = "began"  #: an episode begins
    ENDED = "ended"  #: the episode is over
    FLAPPING = "flapping"  #: from here on it is held firing
    DARK = "dark"  #: it fires, and had no evaluated poll for longer than its clock allows


@dataclass(frozen=True, slots=True)
class AlertState:
    """Where one alert stands. A steady alert keeps the very same state, so that nothing has to be saved for it.

    `since`: first true poll of the current pending or firing stretch. `began`: of the last episode. `false_since`:
    first false poll of the current run of false polls. `last_true`: last true poll, None while that is the last
    evaluated one. `evaluated`: last evaluated poll, None while that is the last cycle.
    `changes`: beginnings and ends within the flapping window. `dark_since`: a firing alert had no evaluated poll from
    here on for longer than its clock allows.
    """

    phase: Phase = Phase.INACTIVE
    since: float | None = None
    began: float | None = None
    ended: float | None = None
    false_since: float | None = None
    last_true: float | None = None
    evaluated: float | None = None
    changes: tuple[float, ...] = ()
    flapping: bool = False
    dark_since: float | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """One poll's instants: `now`, the cycle before it (None at the very first) and the interval between polls."""

    now: float
    previous: float | None
    every: float


def verdict(state: AlertState, truth: int, clear: int | None, no_data: NoData) -> int:
    """The poll as this alert takes it: `clear` counts only while firing, `no_data` is applied once, to the result.

    `truth` and `clear` are three-valued (see rules.verdicts); `clear` is None where the rule has none.
    """
    result = truth
    if state.phase is Phase.FIRING and clear is not None:
        if truth == TRUE or clear == FALSE:
            result = TRUE
        elif truth == FALSE and clear == TRUE:
            result = FALSE
        else:
            result = UNKNOWN
    if result == UNKNOWN:
        return {NoData.ALERT: TRUE, NoData.OK: FALSE, NoData.KEEP: UNKNOWN}[no_data]
    return result


def step(
    state: AlertState, result: int, terms: Terms, flapping: Flapping | None, tick: Tick
) -> tuple[AlertState, tuple[Change, ...]]:
    """The next state and what changed, after one evaluated poll with this `result` (see `verdict`)."""
    last = state.evaluated if state.evaluated is not None else tick.previous
    dark = last is not None and tick.now - last > max(terms.for_, GAP_POLLS * tick.every)
    if state.evaluated is not None:
        state = replace(state, evaluated=None)
    if state.phase is Phase.FIRING:
        after, changes = _while_firing(state, result, terms, flapping, tick.now, last)
        if dark:
            return replace(after, dark_since=last), (Change.DARK, *changes)
        return after, changes
    if state.phase is Phase.PENDING and dark:
        state = replace(state, since=tick.now)
    return _while_quiet(state, result, terms, flapping, tick.now)


def unevaluated(state: AlertState, tick: Tick) -> AlertState:
    """The state after a poll that left the entity in the dark: only the clock of the last evaluated poll is kept."""
    if state.evaluated is not None or tick.previous is None:
        return state
    return replace(state, evaluated=tick.previous)


def end(state: AlertState, now: float) -> AlertState:
    """The state of a firing alert that ends for a reason outside its expression (rule removed, entity gone)."""
    return replace(state, phase=Phase.RESOLVED, ended=now, since=None, false_since=None, last_true=None,
                   flapping=False, dark_since=None, changes=(*state.changes, now))  # fmt: skip


def episode_id(key: AlertKey, began: float) -> str:
    """A UUID that the same beginning of the same alert always has."""
    digest = blake2s(f"{key.rule}\0{key.kind}\0{key.entity}\0{began!r}".encode(), digest_size=16).digest()
    return str(UUID(bytes=digest, version=4))


def _while_quiet(
    state: AlertState, result: int, terms: Terms, flapping: Flapping | None, now: float
) -> tuple[AlertState, tuple[Change, ...]]:
    if result == TRUE:
        since = state.since if state.phase is Phase.PENDING and state.since is not None else now
        if now - since >= terms.for_:
            return _begin(state, since, flapping, now)
        if state.phase is Phase.PENDING:
            return state, ()
        return replace(state, phase=Phase.PENDING, since=since), (Change.PENDING,)
    if result == FALSE and state.phase is Phase.PENDING:
        return replace(state, phase=Phase.INACTIVE, since=None), (Change.CALMED,)
    return state, ()


def _begin(
    state: AlertState, since: float, flapping: Flapping | None, now: float
) -> tuple[AlertState, tuple[Change, ...]]:
    changes = _recent(state, flapping, now)
    flaps = flapping is not None and len(changes) >= flapping.changes
    begun = AlertState(phase=Phase.FIRING, since=since, began=now, changes=changes, flapping=flaps)
    return begun, (Change.BEGAN, Change.FLAPPING) if flaps else (Change.BEGAN,)


def _while_firing(
    state: AlertState, result: int, terms: Terms, flapping: Flapping | None, now: float, last: float | None
) -> tuple[AlertState, tuple[Change, ...]]:
    if result == TRUE:
        if state.false_since is None and state.last_true is None:
            return state, ()
        return replace(state, false_since=None, last_true=None), ()
    if state.last_true is None:
        state = replace(state, last_true=last if last is not None else state.began)
    if result == UNKNOWN:
        return state, ()
    if state.false_since is None:
        state = replace(state, false_since=now)
    assert state.false_since is not None and state.last_true is not None
    if now - state.false_since < terms.keep_firing_for:
        return state, ()
    if state.flapping and flapping is not None:
        if now - state.last_true < flapping.within / 2:
            return state, ()
    else:
        changes = _recent(state, flapping, now)
        if flapping is not None and len(changes) >= flapping.changes:
            return replace(state, flapping=True, changes=changes), (Change.FLAPPING,)
    return replace(end(state, now), changes=_recent(state, flapping, now)), (Change.ENDED,)


def _recent(state: AlertState, flapping: Flapping | None, now: float) -> tuple[float, ...]:
    """Beginnings and ends within the window, the one of this instant included."""
    if flapping is None:
        return ()
    return (*(at for at in state.changes if at > now - flapping.within), now)

"""All alerts through one poll: columns of verdicts in, the few states that changed out."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from watchdog.alerts.lifecycle import (
    GAP_POLLS,
    AlertKey,
    AlertState,
    Change,
    Phase,
    Tick,
    end,
    step,
    unevaluated,
    verdict,
)
from watchdog.readings.fleet import EntityKey, Rows, Table
from watchdog.readings.presence import Presence
from watchdog.readings.snapshot import Flags
from watchdog.rules.rule import NoData, Rule, Terms
from watchdog.rules.verdicts import TRUE, UNKNOWN, Verdicts

logger = logging.getLogger(__name__)

_LIVE = (Phase.PENDING, Phase.FIRING)


@dataclass(frozen=True, slots=True)
class Stepped:
    """One alert that a poll changed in a way worth telling: how it was and is, what happened, where to ask why.

    `verdicts` and `row` (of the rule's table) explain it; where the rule or the entity is gone, `why` says so instead.
    """

    key: AlertKey
    before: AlertState
    state: AlertState
    changes: tuple[Change, ...]
    verdicts: Verdicts | None = None
    row: int = -1
    terms: Terms | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Live:
    """The pending and firing alerts of one rule, and where their entities stand in a table (-1: not in it).

    `steady` marks those that stay exactly as they are while polls find them true.
    """

    table: Table
    alerts: list[tuple[EntityKey, AlertState]]
    rows: Rows
    steady: Flags

    @classmethod
    def of(cls, states: Mapping[EntityKey, AlertState], table: Table) -> _Live:
        alerts = [(entity, state) for entity, state in states.items() if state.phase in _LIVE]
        rows = np.fromiter((table.row.get(entity, -1) for entity, _ in alerts), dtype=np.intp, count=len(alerts))
        steady = np.fromiter((_steady(state) for _, state in alerts), dtype=np.bool_, count=len(alerts))
        return cls(table, alerts, rows, steady)


@dataclass(slots=True)
class Alerts:
    """Every alert that is not simply inactive, by rule; `changed` holds what has to be saved (None: forget it)."""

    by_rule: dict[str, dict[EntityKey, AlertState]] = field(default_factory=dict)
    changed: dict[AlertKey, AlertState | None] = field(default_factory=dict)
    #: Worked out once for as long as neither the rule's alerts nor the table change: most polls change few of them.
    _live: dict[str, _Live] = field(default_factory=dict)

    @classmethod
    def of(cls, states: Mapping[AlertKey, AlertState]) -> Alerts:
        found = cls()
        for key, state in states.items():
            found.by_rule.setdefault(key.rule, {})[key.entity_key] = state
        return found

    def get(self, key: AlertKey) -> AlertState | None:
        return self.by_rule.get(key.rule, {}).get(key.entity_key)

    def put(self, key: AlertKey, state: AlertState) -> None:
        # an alert that is inactive and has no changes to remember is like one that never was
        forget = state.phase is Phase.INACTIVE and not state.changes
        states = self.by_rule.setdefault(key.rule, {})
        if forget:
            states.pop(key.entity_key, None)
        else:
            states[key.entity_key] = state
        self.changed[key] = None if forget else state
        self._live.pop(key.rule, None)

    def live_of(self, rule: str, table: Table) -> _Live:
        """The pending and firing ones of a rule, in the rows of its table."""
        found = self._live.get(rule)
        if found is None or found.table is not table:
            found = self._live[rule] = _Live.of(self.by_rule.get(rule, {}), table)
        return found

    def live(self) -> Iterable[tuple[AlertKey, AlertState]]:
        """Pending and firing ones."""
        for rule, states in self.by_rule.items():
            for entity, state in states.items():
                if state.phase in _LIVE:
                    yield AlertKey(rule, entity.kind, entity.id), state

    def forget(self, before: float) -> None:
        """Drop from memory what has been over since before this instant; the store drops it by itself."""
        for rule, states in list(self.by_rule.items()):
            for entity in [entity for entity, state in states.items() if _is_history(state, before)]:
                del states[entity]
            if not states:
                del self.by_rule[rule]

    def take_changed(self) -> dict[AlertKey, AlertState | None]:
        taken, self.changed = self.changed, {}
        return taken


@dataclass(slots=True)
class Outcome:
    """What a poll did: the alerts that changed, and which of the `awaited` ones it found true while firing."""

    awaited: Collection[AlertKey] = ()
    stepped: list[Stepped] = field(default_factory=list)
    true: set[AlertKey] = field(default_factory=set)


def step_all(
    alerts: Alerts,
    evaluation: Iterable[Verdicts],
    rules: Mapping[str, Rule],
    presence: Presence,
    tick: Tick,
    awaited: Collection[AlertKey] = (),
    replaced: Collection[str] = (),
) -> Outcome:
    """Every alert through this poll. Rules that are not in `judged` (they failed) leave their alerts as they are;
    `replaced` ones have the name of a rule that was about something else until now."""
    outcome = Outcome(awaited)
    for rule_name in alerts.by_rule:
        if rule_name not in rules or rule_name in replaced:
            _end_all(alerts, outcome, rule_name, "rule removed", tick)
    for verdicts in evaluation:
        try:
            _step_rule(alerts, outcome, verdicts, presence, tick)
        except Exception:  # one bad rule stays one bad rule
            logger.exception("rule skipped in this cycle", extra={"rule": verdicts.rule.name})
    return outcome


def _step_rule(alerts: Alerts, outcome: Outcome, verdicts: Verdicts, presence: Presence, tick: Tick) -> None:
    rule = verdicts.rule
    picked = _concerned(alerts, outcome, verdicts, presence, tick)
    rows, truths = verdicts.rows[picked].tolist(), verdicts.truth[picked].tolist()
    observed, chosen = verdicts.observed[picked].tolist(), verdicts.variant[picked].tolist()
    clears = [None] * len(rows) if verdicts.clear is None else verdicts.clear[picked].tolist()
    states, entities, variants = alerts.by_rule.get(rule.name, {}), verdicts.table.entities, rule.variants
    for row, truth, clear, seen, variant in zip(rows, truths, clears, observed, chosen, strict=True):
        entity = entities[row].key
        before = states.get(entity, _INACTIVE)
        key = AlertKey(rule.name, entity.kind, entity.id)
        if not seen:
            if before.phase in _LIVE:
                _put_if_new(alerts, key, before, unevaluated(before, tick))
            continue
        terms = variants[variant]
        result = verdict(before, truth, clear, terms.no_data)
        after, changes = step(before, result, terms, rule.flapping, tick)
        _put_if_new(alerts, key, before, after)
        if changes:
            outcome.stepped.append(Stepped(key, before, after, changes, verdicts, row, terms))
        if result == TRUE and after.phase is Phase.FIRING and key in outcome.awaited:
            outcome.true.add(key)


def _is_history(state: AlertState, before: float) -> bool:
    return state.phase not in _LIVE and state.ended is not None and state.ended < before


def _steady(state: AlertState) -> bool:
    return (
        state.phase is Phase.FIRING
        and state.last_true is None
        and state.false_since is None
        and state.evaluated is None
    )


def _concerned(alerts: Alerts, outcome: Outcome, verdicts: Verdicts, presence: Presence, tick: Tick) -> Rows:
    """The elements of the verdicts that may change an alert: those that are true, and those that have a live one.

    Alerts that fire and are true again are not among them where polls come regularly: they stay exactly as they are.
    Live alerts that the rule does not cover any more end here.
    """
    rule, table = verdicts.rule, verdicts.table
    live = alerts.live_of(rule.name, table)
    wanted = verdicts.truth == TRUE
    alerting = [index for index, terms in enumerate(rule.variants) if terms.no_data is NoData.ALERT]
    if alerting:
        wanted |= (verdicts.truth == UNKNOWN) & np.isin(verdicts.variant, alerting)
    places = np.searchsorted(verdicts.rows, live.rows)
    inside = (places < len(verdicts.rows)) & (live.rows >= 0)
    inside[inside] = verdicts.rows[places[inside]] == live.rows[inside]
    for index in np.flatnonzero(~inside).tolist():
        entity, state = live.alerts[index]
        key = AlertKey(rule.name, entity.kind, entity.id)
        why = _why_unselected(rule) if live.rows[index] >= 0 else _why_uncovered(entity, presence)
        if why:
            _end(alerts, outcome, key, state, why, tick)
        else:
            _put_if_new(alerts, key, state, unevaluated(state, tick))
    places, steady = places[inside], live.steady[inside]
    if tick.previous is not None and tick.now - tick.previous <= GAP_POLLS * tick.every:
        steady &= (verdicts.truth[places] == TRUE) & verdicts.observed[places]
        if outcome.awaited:
            awaited = (AlertKey(rule.name, *entity) in outcome.awaited for entity, _ in live.alerts)
            steady &= ~np.fromiter(awaited, dtype=np.bool_, count=len(live.alerts))[inside]
        wanted[places[steady]] = False
        places = places[~steady]
    return np.concatenate([np.flatnonzero(wanted), places[~wanted[places]]])


_INACTIVE = AlertState()


def _put_if_new(alerts: Alerts, key: AlertKey, before: AlertState, after: AlertState) -> None:
    if after is not before and after != before:
        alerts.put(key, after)


def _why_unselected(rule: Rule) -> str:
    """Why a rule does not select an entity of its table."""
    return "no longer covered" if rule.terms.enabled else "rule removed"


def _why_uncovered(entity: EntityKey, presence: Presence) -> str:
    """Why the table of a rule lacks an entity that has an alert; "" while that is not known."""
    if presence.fleet.entity(entity) is not None:
        return "rule removed"  # its `each` is another now
    return "" if entity in presence.unseen else "no longer exists"


def _end_all(alerts: Alerts, outcome: Outcome, rule_name: str, why: str, tick: Tick) -> None:
    live = [(entity, state) for entity, state in alerts.by_rule[rule_name].items() if state.phase in _LIVE]
    for entity, state in live:
        _end(alerts, outcome, AlertKey(rule_name, entity.kind, entity.id), state, why, tick)


def _end(alerts: Alerts, outcome: Outcome, key: AlertKey, state: AlertState, why: str, tick: Tick) -> None:
    """End an alert for a reason outside its expression; one that was only pending is simply forgotten."""
    if state.phase is Phase.FIRING:
        after = end(state, tick.now)
        alerts.put(key, after)
        outcome.stepped.append(Stepped(key, state, after, (Change.ENDED,), why=why))
    else:
        alerts.put(key, _INACTIVE)
        outcome.stepped.append(Stepped(key, state, _INACTIVE, (Change.CALMED,), why=why))

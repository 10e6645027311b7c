"""All alerts through one poll: columns of verdicts in, the few states that changed out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from watchdog.alerts.life import (
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
from watchdog.readings.fleet import EntityKey
from watchdog.readings.roster import Roster
from watchdog.rules.rule import NoData, Rule, Terms
from watchdog.rules.verdicts import TRUE, UNKNOWN, Verdicts

logger = logging.getLogger(__name__)

_LIVE = (Phase.PENDING, Phase.FIRING)


@dataclass(frozen=True, slots=True)
class Stepped:
    """One alert that a poll changed in a way worth telling: its new state, what happened, where to ask why.

    `verdicts` and `row` (of the rule's table) explain it; where the rule or the entity is gone, `why` says so instead.
    """

    key: AlertKey
    state: AlertState
    changes: tuple[Change, ...]
    verdicts: Verdicts | None = None
    row: int = -1
    terms: Terms | None = None
    why: str = ""


@dataclass(slots=True)
class Alerts:
    """Every alert that is not simply inactive, by rule; `changed` holds what has to be saved (None: forget it)."""

    by_rule: dict[str, dict[EntityKey, AlertState]] = field(default_factory=dict)
    changed: dict[AlertKey, AlertState | None] = field(default_factory=dict)

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

    def live(self) -> Iterable[tuple[AlertKey, AlertState]]:
        """Pending and firing ones."""
        for rule, states in self.by_rule.items():
            for entity, state in states.items():
                if state.phase in _LIVE:
                    yield AlertKey(rule, entity.kind, entity.id), state

    def take_changed(self) -> dict[AlertKey, AlertState | None]:
        taken, self.changed = self.changed, {}
        return taken


@dataclass(slots=True)
class Outcome:
    """What a poll did: the alerts that changed, and those firing ones it found true."""

    stepped: list[Stepped] = field(default_factory=list)
    true: set[AlertKey] = field(default_factory=set)


def step_all(
    alerts: Alerts, judged: Iterable[Verdicts], rules: Mapping[str, Rule], roster: Roster, tick: Tick
) -> Outcome:
    """Every alert through this poll. Rules that are not in `judged` (they failed) leave their alerts as they are."""
    outcome = Outcome()
    for rule_name in list(alerts.by_rule):
        if rule_name not in rules:
            _end_all(alerts, outcome, rule_name, "rule removed", tick)
    for verdicts in judged:
        try:
            _step_rule(alerts, outcome, verdicts, roster, tick)
        except Exception:  # one bad rule stays one bad rule
            logger.exception("rule skipped in this cycle", extra={"rule": verdicts.rule.name})
    return outcome


def _step_rule(alerts: Alerts, outcome: Outcome, verdicts: Verdicts, roster: Roster, tick: Tick) -> None:
    rule, table = verdicts.rule, verdicts.table
    states = alerts.by_rule.get(rule.name, {})
    wanted = verdicts.truth == TRUE
    variants = rule.variants
    alerting = [index for index, terms in enumerate(variants) if terms.no_data is NoData.ALERT]
    if alerting:
        wanted |= (verdicts.truth == UNKNOWN) & np.isin(verdicts.variant, alerting)
    positions = dict.fromkeys(np.nonzero(wanted)[0].tolist())
    ended: list[tuple[AlertKey, AlertState, str]] = []
    for entity, state in states.items():
        if state.phase not in _LIVE:
            continue
        row = table.row.get(entity)
        if row is None:
            why = _why_uncovered(entity, roster)
            if why:
                ended.append((AlertKey(rule.name, entity.kind, entity.id), state, why))
            else:
                _put_if_new(alerts, AlertKey(rule.name, entity.kind, entity.id), state, unevaluated(state, tick))
            continue
        position = int(np.searchsorted(verdicts.rows, row))
        if position < len(verdicts.rows) and verdicts.rows[position] == row:
            positions[position] = None
        else:
            ended.append((AlertKey(rule.name, entity.kind, entity.id), state, "no longer covered"))
    for key, state, why in ended:
        _end(alerts, outcome, key, state, why, tick)
    entities = table.entities
    for position in positions:
        row = int(verdicts.rows[position])
        entity = entities[row].key
        key = AlertKey(rule.name, entity.kind, entity.id)
        before = states.get(entity, _INACTIVE)
        if not verdicts.observed[position]:
            if before.phase in _LIVE:
                _put_if_new(alerts, key, before, unevaluated(before, tick))
            continue
        terms = variants[int(verdicts.variant[position])]
        clear = None if verdicts.clear is None else int(verdicts.clear[position])
        result = verdict(before, int(verdicts.truth[position]), clear, terms.no_data)
        after, changes = step(before, result, terms, rule.flapping, tick)
        _put_if_new(alerts, key, before, after)
        if changes:
            outcome.stepped.append(Stepped(key, after, changes, verdicts, row, terms))
        if result == TRUE and after.phase is Phase.FIRING:
            outcome.true.add(key)


_INACTIVE = AlertState()


def _put_if_new(alerts: Alerts, key: AlertKey, before: AlertState, after: AlertState) -> None:
    if after is not before and after != before:
        alerts.put(key, after)


def _why_uncovered(entity: EntityKey, roster: Roster) -> str:
    """Why the table of a rule lacks an entity that has an alert; "" while that is not known."""
    if roster.fleet.entity(entity) is not None:
        return "rule removed"  # its `each` is another now
    return "" if entity in roster.unseen else "no longer exists"


def _end_all(alerts: Alerts, outcome: Outcome, rule_name: str, why: str, tick: Tick) -> None:
    for entity, state in list(alerts.by_rule[rule_name].items()):
        key = AlertKey(rule_name, entity.kind, entity.id)
        if state.phase in _LIVE:
            _end(alerts, outcome, key, state, why, tick)
        else:
            alerts.put(key, AlertState())
    alerts.by_rule.pop(rule_name, None)


def _end(alerts: Alerts, outcome: Outcome, key: AlertKey, state: AlertState, why: str, tick: Tick) -> None:
    """End an alert for a reason outside its expression; one that was only pending is simply forgotten."""
    if state.phase is Phase.FIRING:
        after = end(state, tick.now)
        alerts.put(key, after)
        outcome.stepped.append(Stepped(key, after, (Change.ENDED,), why=why))
    else:
        alerts.put(key, AlertState())
        outcome.stepped.append(Stepped(key, AlertState(), (Change.CALMED,), why=why))

"""What the last poll says: entities, their readings, the rules, and what every rule says of every entity it covers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from watchdog.alerts.lifecycle import AlertKey, AlertState, episode_id
from watchdog.cycle.evaluation import Evaluation
from watchdog.readings.catalogue import CATALOGUE, unit_of
from watchdog.readings.fleet import REAL_KINDS, EntityKey, Kind
from watchdog.readings.fleet import Entity as KnownEntity
from watchdog.rules.rule import Rule as KnownRule
from watchdog.rules.verdicts import FALSE, TRUE, UNKNOWN, Verdicts
from watchdog.web.resource import WrongError
from watchdog.web.times import instant
from watchdog.web.v1.conversion import entity_object, metric_object
from watchdog.web.v1.operation import Call, not_found
from watchdog.web.v1.parameters import named, request_glob
from watchdog.web.v1.schemas import (
    Alert,
    Entity,
    EntityDetail,
    Metric,
    Page,
    Param,
    ReadingOf,
    Result,
    Rule,
)
from watchdog.web.view import ServiceView

T = TypeVar("T")
Given = Mapping[str, Any]
#: So many entities are looked through for one page of readings.
_LOOKED_THROUGH = 5_000
_FIRING = 10_000
_VERDICTS = {TRUE: "true", FALSE: "false", UNKNOWN: "unknown"}


def entities(call: Call) -> Page[Entity]:
    evaluation = last_poll(call.watched)
    return _page(_chosen(evaluation, call.given), call.given, lambda one: entity_object(one, evaluation.snapshot))


def entity(call: Call) -> EntityDetail:
    evaluation = last_poll(call.watched)
    key = EntityKey(Kind(call.given["kind"]), call.given["id"])
    found = evaluation.snapshot.fleet.entity(key)
    if found is None:
        raise not_found(key.kind, key.id)
    states = call.watched.store.alerts()
    about = [
        _alert(verdicts, verdicts.table.row[key], states)
        for _, verdicts in sorted(evaluation.verdicts.items())
        if _position(verdicts, key) is not None
    ]
    plain = entity_object(found, evaluation.snapshot)
    return EntityDetail(**{name: getattr(plain, name) for name in plain.__struct_fields__}, alerts=about)


def readings(call: Call) -> Page[ReadingOf]:
    """`next` counts entities and, within one, readings: a page ends wherever it is full."""
    evaluation, given = last_poll(call.watched), call.given
    first, skipped = given["after"]
    names = cache(evaluation.snapshot.names)
    found: list[ReadingOf] = []
    for place, one in enumerate(islice(_chosen(evaluation, given), first, None), first):
        if place - first >= _LOOKED_THROUGH:
            return Page(found, f"{place}.0")
        if given["metric"] is not None and given["metric"] not in names(one.key.kind):
            continue
        kept = [each for each in evaluation.snapshot.readings(one.key) if given["metric"] in (None, each.metric)]
        for index, each in enumerate(kept):
            if place == first and index < skipped:
                continue
            if len(found) == given["limit"]:
                return Page(found, f"{place}.{index}")
            found.append(
                ReadingOf(metric=each.metric, value=each.value, unit=unit_of(each.metric), at=instant(each.at),
                          kind=str(one.key.kind), entity_id=one.key.id, entity=one.name)
            )  # fmt: skip
    return Page(found, None)


def metrics(call: Call) -> Page[Metric]:
    known = (CATALOGUE[name] for name in sorted(CATALOGUE, key=str.lower))
    kind = call.given["kind"]
    return _page((one for one in known if kind is None or kind in one.on), call.given, metric_object)


def metric(call: Call) -> Metric:
    found = CATALOGUE.get(call.given["name"])
    if found is None:
        raise not_found("metric in the catalogue:", call.given["name"])
    return metric_object(found)


def rules(call: Call) -> Page[Rule]:
    known = sorted(call.watched.policy.rules, key=lambda one: one.name)
    kind, name = call.given["each"], call.given["name"]
    fits = request_glob(name or "*")
    wanted = (one for one in known if kind in (None, str(one.each)) and fits.match(one.name))
    make = _rule_maker(call.watched)
    return _page(wanted, call.given, make)


def rule(call: Call) -> Rule:
    found = call.watched.policy.by_name.get(call.given["alert"])
    if found is None:
        raise not_found("rule", call.given["alert"])
    return _rule_maker(call.watched)(found)


def alerts(call: Call) -> Page[Alert]:
    evaluation, given = last_poll(call.watched), call.given
    states = call.watched.store.alerts()
    return _page(_covered(evaluation, given, states), given, lambda one: _alert(*one, states))


def last_poll(watched: ServiceView) -> Evaluation:
    """Raises WrongError where there is none: nothing known is not the same as nothing there."""
    evaluation = watched.evaluation
    if evaluation is None:
        why = f"readings are with the leader, {watched.leader}" if watched.leader else "no poll has been judged yet"
        raise WrongError(503, why, headers={"Retry-After": "5"})
    return evaluation


# -- inside


def _page(found: Iterable[T], given: Given, make: Callable[[T], Any]) -> Page[Any]:
    """`next` is a place in what the filters leave."""
    first, most = given["after"], given["limit"]
    some = list(islice(found, first, first + most + 1))
    return Page([make(one) for one in some[:most]], str(first + most) if len(some) > most else None)


def _chosen(evaluation: Evaluation, given: Given) -> Iterator[KnownEntity]:
    """Entities in the order of their kinds, then of the listing."""
    for kind in REAL_KINDS:
        if given["kind"] in (None, str(kind)):
            for one in evaluation.snapshot.fleet.table(kind).entities:
                if named(given, one.key.id, one.name, one.labels):
                    yield one


def _covered(
    evaluation: Evaluation, given: Given, states: Mapping[AlertKey, AlertState]
) -> Iterator[tuple[Verdicts, int]]:
    """Every rule on every entity it covers that the filters leave."""
    for name, verdicts in sorted(evaluation.verdicts.items()):
        if given["alert"] not in (None, name):
            continue
        for position, row in enumerate(verdicts.rows.tolist()):
            one = verdicts.table.entities[row]
            if given["kind"] not in (None, str(one.key.kind)) or not named(given, one.key.id, one.name, one.labels):
                continue
            if given["verdict"] not in (None, _verdict(verdicts, position)):
                continue
            if given["state"] in (None, str(_state(states, name, one.key).phase)):
                yield verdicts, row


def _alert(verdicts: Verdicts, row: int, states: Mapping[AlertKey, AlertState]) -> Alert:
    position = int(verdicts.rows.searchsorted(row))
    one, name = verdicts.table.entities[row], verdicts.rule.name
    state = _state(states, name, one.key)
    why = verdicts.explain(row) if verdicts.observed[position] else None
    value = None if why is None else why.value
    firing = state.phase == "firing" and state.began is not None
    return Alert(
        alert=name,
        kind=str(one.key.kind),
        entity_id=one.key.id,
        entity=one.name,
        severity=str(verdicts.rule.variants[int(verdicts.variant[position])].severity),
        verdict=_verdict(verdicts, position),  # type: ignore[arg-type]  # one of _VERDICTS
        state=state.phase.value,
        since=None if state.since is None or state.phase not in ("pending", "firing") else instant(state.since),
        reason="" if why is None else why.reason,
        value=None if value is None else value.value,
        unit="" if value is None else value.unit,
        episode=episode_id(AlertKey(name, *one.key), state.began) if firing and state.began is not None else "",
    )


def _verdict(verdicts: Verdicts, position: int) -> str:
    return _VERDICTS[int(verdicts.truth[position])] if verdicts.observed[position] else "unobserved"


def _state(states: Mapping[AlertKey, AlertState], rule: str, key: EntityKey) -> AlertState:
    return states.get(AlertKey(rule, *key)) or AlertState()


def _position(verdicts: Verdicts, key: EntityKey) -> int | None:
    row = verdicts.table.row.get(key)
    if row is None:
        return None
    position = int(verdicts.rows.searchsorted(row))
    return position if position < len(verdicts.rows) and verdicts.rows[position] == row else None


def _rule_maker(watched: ServiceView) -> Callable[[KnownRule], Rule]:
    """Makes the objects of rules from one look at what they last said."""
    evaluation = watched.evaluation
    firing = Counter(one.alert.rule for one in watched.store.episodes(firing=True, limit=_FIRING))

    def make(one: KnownRule) -> Rule:
        terms = one.terms
        verdicts = None if evaluation is None else evaluation.verdicts.get(one.name)
        return Rule(
            alert=one.name,
            each=str(one.each),
            where={label: list(items) for label, items in one.where.items.items()},
            expr=one.expr.text.strip(),
            clear="" if one.clear is None else one.clear.text.strip(),
            params={name: Param(param.value, param.unit) for name, param in terms.params.items()},
            severity=terms.severity.value,
            for_seconds=terms.for_,
            keep_firing_for_seconds=terms.keep_firing_for,
            no_data=terms.no_data.value,
            labels=dict(terms.labels),
            annotations=dict(one.annotations),
            overrides=len(one.overrides),
            suppresses=list(one.suppresses),
            enabled=any(variant.enabled for variant in one.variants),
            place=one.place,
            firing=firing[one.name],
            never_matching=evaluation is not None and one.name in evaluation.never_matching,
            last=None if evaluation is None or verdicts is None else _result(verdicts, evaluation.at),
        )

    return make


def _result(verdicts: Verdicts, at: float) -> Result:
    truth = verdicts.truth[verdicts.observed]
    counts = {value: int(np.count_nonzero(truth == value)) for value in _VERDICTS}
    return Result(
        at=instant(at),
        covers=len(verdicts.rows),
        true=counts[TRUE],
        false=counts[FALSE],
        unknown=counts[UNKNOWN],
        unobserved=int(np.count_nonzero(~verdicts.observed)),
        cost_seconds=verdicts.seconds,
    )

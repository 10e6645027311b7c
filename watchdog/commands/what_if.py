"""`watchdog explain ALERT ENTITY --if …`: one alert over the recorded polls, as it is and with other terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from watchdog.alerts.lifecycle import AlertKey
from watchdog.commands.operator import read_instant
from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import console, instant, shown, table
from watchdog.commands.recorded import recorded_polls
from watchdog.configuration.files import load
from watchdog.configuration.params import quantity
from watchdog.configuration.places import Scalar, read
from watchdog.cycle.policy import Policy
from watchdog.errors import ConfigError, ExpressionError, Mistake
from watchdog.notify.rendering import in_words, unit_of
from watchdog.readings.fleet import EntityKey
from watchdog.rules.rule import Quantity, Rule, Terms
from watchdog.rules.verdicts import FALSE, TRUE
from watchdog.settings import Settings
from watchdog.spelling import did_you_mean
from watchdog.trials.replay import Replay, Report, Stretch, interval_of
from watchdog.units import format_duration, parse_duration

_DURATIONS = {"for": "for_", "keep_firing_for": "keep_firing_for"}
_TRUTHS = {TRUE: "true", FALSE: "false"}


@dataclass(slots=True)
class _Question:
    """`at`: an instant to look at; `terms` and `params`: what would be different."""

    at: float | None = None
    terms: dict[str, float] = field(default_factory=dict)
    params: dict[str, Quantity] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Look:
    """One alert at one poll."""

    at: float
    state: str
    verdict: str
    reason: str
    readings: dict[str, float | str | None]


def explain_if(alert: str, entity: str, asked: Sequence[str], recording: Path | None, *, as_json: bool) -> int:
    """0; raises ConfigError for an unknown rule, entity or term, or where nothing is recorded; StoreError."""
    settings = Settings.load()
    policy = load(settings.watchdog_rules, {}, expand=False)
    rule = policy.by_name.get(alert)
    if rule is None:
        raise ConfigError(f"there is no rule '{alert}'{did_you_mean(alert, policy.by_name)}")
    question = _question(asked, rule)
    other = _edited(rule, question)
    polls = partial(recorded_polls, settings, recording)
    every = interval_of(polls(), settings.watchdog_poll_every)
    replays = Replay(policy, every), Replay(_with(policy, other), every)
    looks: list[_Look] = []
    for poll in polls():
        if question.at is not None and poll.at > question.at:
            break
        for one in replays:
            one.judge(poll)
    reports = replays[0].report(), replays[1].report()
    if not reports[0].polls:
        raise ConfigError(f"--if at: there is no recorded poll at or before {shown(question.at)}")
    key = _entity(reports[0], alert, entity)
    if question.at is not None:
        looks = [_look(one, other if place else rule, key) for place, one in enumerate(replays)]
    episodes = [_episodes(report, alert, key) for report in reports]
    if as_json:
        print_json(_object(alert, key, asked, reports[1], episodes, looks))
    else:
        name = next(rule for rule in reports[0].rules if rule.name == alert).covered[key]
        _show(alert, name, _words(asked), reports[1], episodes, looks)
    return 0


def _question(asked: Sequence[str], rule: Rule) -> _Question:
    found = _Question()
    known = ["at", *_DURATIONS, *rule.terms.params]
    for one in asked:
        name, is_given, value = (part.strip() for part in one.partition("="))
        if not is_given:
            raise ConfigError(f"--if '{one}': write NAME=VALUE, e.g. for=4m")
        if name == "at":
            found.at = read_instant(value, "--if at")
        elif name in _DURATIONS:
            try:
                found.terms[_DURATIONS[name]] = parse_duration(value)
            except ValueError as cause:
                raise ConfigError(f"--if {name}: {cause}") from None
        elif name in rule.terms.params:
            found.params[name] = _quantity(name, value)
        else:
            accepted = did_you_mean(name, known) or f"; {rule.name} has {', '.join(known)}"
            raise ConfigError(f"--if '{one}': '{name}' is no param of {rule.name}{accepted}")
    return found


def _quantity(name: str, value: str) -> Quantity:
    mistakes: list[Mistake] = []
    node = read("--if", value, mistakes)
    found = quantity(node) if isinstance(node, Scalar) and not mistakes else None
    if found is None:
        raise ConfigError(
            f"--if {name}: '{value}' is no value; write a number, a duration (3m), a size (2MiB) or a text"
        )
    return found


def _edited(rule: Rule, question: _Question) -> Rule:
    """The same rule with other terms, for every entity: an override gives way to what is asked."""

    def edit(terms: Terms) -> Terms:
        return replace(terms, params={**terms.params, **question.params}, **question.terms)  # type: ignore[arg-type]

    try:
        rule.expr.bound(edit(rule.terms).params)
        if rule.clear is not None:
            rule.clear.bound(edit(rule.terms).params)
    except ExpressionError as cause:
        raise ConfigError(f"--if: {cause}") from cause
    overrides = tuple(replace(one, terms=edit(one.terms)) for one in rule.overrides)
    return replace(rule, terms=edit(rule.terms), overrides=overrides)


def _with(policy: Policy, rule: Rule) -> Policy:
    return replace(policy, rules=tuple(rule if one.name == rule.name else one for one in policy.rules))


def _entity(report: Report, alert: str, name: str) -> EntityKey:
    """Whom a name means, of all whom the rule covered."""
    covered = next(rule for rule in report.rules if rule.name == alert).covered
    found = [key for key, shown in covered.items() if name in (key.id, str(key), shown, shown.partition("/")[2])]
    if len(found) > 1:
        raise ConfigError(
            f"'{name}' may be any of these: {', '.join(map(str, found))}; write the kind in front, or the id"
        )
    if not found:
        names = sorted(covered.values())
        hint = did_you_mean(name, [*names, *(one.partition("/")[2] for one in names)]) or (
            f"; it covered {', '.join(names[:10])}" if names else ""
        )
        raise ConfigError(f"{alert} did not cover '{name}' in the recording{hint}")
    return found[0]


def _episodes(report: Report, alert: str, key: EntityKey) -> list[Stretch]:
    rule = next(rule for rule in report.rules if rule.name == alert)
    return sorted((one for one in rule.stretches if one.entity_key == key), key=lambda one: one.began)


def _look(replayed: Replay, rule: Rule, key: EntityKey) -> _Look:
    evaluation, state = replayed.at_last_poll(AlertKey(rule.name, key.kind, key.id))
    verdicts = evaluation.verdicts[rule.name]
    position = verdicts.position(key)
    if position is None:
        return _Look(evaluation.at, "not covered", "", "", {})
    said = verdicts.explain(int(verdicts.rows[position]))
    seen = bool(verdicts.observed[position])
    truth = _TRUTHS.get(int(verdicts.truth[position]), "unknown") if seen else "the request for its readings failed"
    return _Look(evaluation.at, str(state), truth, said.reason, dict(said.readings))


def _words(asked: Sequence[str]) -> str:
    return ", ".join(one for one in asked if one.partition("=")[0].strip() != "at")


def _show(
    alert: str, entity: str, asked: str, report: Report, episodes: list[list[Stretch]], looks: list[_Look]
) -> None:
    out = console()
    out.print(f"{alert} on {entity}, over {report.polls} polls from {shown(report.start)} to {shown(report.end)}",
              style="bold", markup=False)  # fmt: skip
    for label, look in zip(("as it is", f"with {asked}"), looks[: 2 if asked else 1], strict=False):
        out.print(f"\n{label}, at {shown(look.at)}: {look.state}; the expression is {look.verdict}", markup=False)
        out.print(f"  because {look.reason}", markup=False)
        for metric, value in sorted(look.readings.items()):
            said = "no reading" if value is None else in_words(Quantity(value, unit_of(metric)))
            out.print(f"  {metric} = {said}", markup=False)
    for label, found in zip(("as it is", f"with {asked}"), episodes[: 2 if asked else 1], strict=False):
        out.print()
        rows = [
            (shown(one.began), format_duration((one.ended or report.end) - one.began)
             + (", still fires" if one.ended is None else ""), one.reason) for one in found
        ]  # fmt: skip
        table((f"{label}: fires", "lasts", "why"), rows, empty=f"{label}: it does not fire")


def _object(
    alert: str, key: EntityKey, asked: Sequence[str], report: Report, episodes: list[list[Stretch]], looks: list[_Look]
) -> dict[str, Any]:
    def side(place: int) -> dict[str, Any]:
        fired = [{"since": instant(one.since), "began": instant(one.began), "ended": instant(one.ended),
                  "reason": one.reason} for one in episodes[place]]  # fmt: skip
        look = looks[place] if looks else None
        at = None if look is None else {"at": instant(look.at), "state": look.state, "verdict": look.verdict,
                                        "reason": look.reason, "readings": look.readings}  # fmt: skip
        return {"episodes": fired, "look": at}

    return {
        "alert": {"rule": alert, "kind": str(key.kind), "entity_id": key.id},
        "if": list(asked),
        "start": instant(report.start),
        "end": instant(report.end),
        "polls": report.polls,
        "as_it_is": side(0),
        "if_so": side(1),
    }

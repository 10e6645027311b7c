"""Edits whose effect is known by construction: the comparison names exactly those differences, and their reasons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from watchdog.configuration.files import load_texts
from watchdog.cycle.policy import Policy
from watchdog.readings.fleet import REAL_KINDS, Entity, EntityKey, Kind
from watchdog.readings.poll import Failures, Listing
from watchdog.readings.snapshot import SparseReadings
from watchdog.streamkap.recording import RecordedPoll
from watchdog.trials.replay import Replay
from watchdog.trials.rule_diff import Difference, Pages, difference

#: A Sunday, 23:00 UTC: at night and at the weekend.
START = datetime(2026, 11, 1, 23, tzinfo=UTC).timestamp()
SOURCES = {name: Entity(EntityKey(Kind.SOURCE, name), {"kind": "source", "name": name, "tags": (tag,), "pipelines": ()})
           for name, tag in (("orders", "prod"), ("payments", "prod"), ("trial", "dev"))}  # fmt: skip
#: Minutes from `START` in which a source's lag is so high: orders 10 minutes of 50, payments 3 minutes of 30.
LAGS = {"orders": (10, 20, 50.0), "payments": (30, 33, 30.0), "trial": (40, 60, 50.0)}
MINUTES = 90
RULES = """
rules:
  - {alert: Lag, each: source, where: {tags: prod}, expr: recordsLag > limit, params: {limit: 20}, for: 2m, flapping: off}
  - {alert: Down, each: source, where: {name: orders}, expr: recordsLag > 40, flapping: off, severity: critical}
receivers: {team: {to: ["${TEAM}"]}, oncall: {to: ["${ONCALL}"]}}
routes: [{where: {severity: critical}, to: [oncall], group_wait: 0s}, {to: [team], group_wait: 0s}]
"""


def _polls() -> list[RecordedPoll]:
    found = []
    for minute in range(MINUTES):
        at, readings = START + 60.0 * minute, SparseReadings()
        for name, entity in SOURCES.items():
            first, last, lag = LAGS[name]
            readings.put(entity.key, "recordsLag", lag if first <= minute < last else 0.0, at)
        listing = Listing(list(SOURCES.values()), frozenset(REAL_KINDS)) if minute == 0 else None
        found.append(RecordedPoll(at, listing, Failures(), readings))
    return found


POLLS = _polls()


def _policy(text: str) -> Policy:
    return load_texts({"rules.yaml": text}, {}, expand=False)


def _diff(edit: Callable[[str], str], *, back: bool = False) -> Difference:
    texts = (RULES, edit(RULES))
    assert texts[0] != texts[1]
    policies = [_policy(text) for text in (reversed(texts) if back else texts)]
    replays = [Replay(policy, 60.0) for policy in policies]
    for poll in POLLS:
        for one in replays:
            one.judge(poll)
    before, after = (one.report() for one in replays)
    return difference(policies[0], policies[1], before, after, lambda at: datetime.fromtimestamp(at, UTC))


def _effect(found: Difference) -> dict[str, tuple[object, ...]]:
    """By rule: episodes, minutes firing, pages by receiver, before and after."""
    sides = {one.rule: (one.old, one.new) for one in found.rules}
    return {
        rule: tuple(
            None
            if side is None
            else (side.episodes, round(side.seconds / 60), {name: of.count for name, of in side.pages.items()})
            for side in both
        )
        for rule, both in sides.items()
    }


def replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)


#: Lag on orders is true for 9 minutes from the first true poll, so with `for: 2m` it fires for 8.
BASE = (2, 9, {"team": 2})
EDITS = [
    ("a limit that only one of them reaches", replaced("limit: 20", "limit: 40"), {"Lag": (BASE, (1, 8, {"team": 1}))}),
    ("a longer for", replaced("for: 2m", "for: 5m"), {"Lag": (BASE, (1, 5, {"team": 1}))}),
    ("whom it covers", replaced("where: {tags: prod}, ", ""), {"Lag": (BASE, (3, 27, {"team": 3}))}),
    ("a route", replaced("{to: [team], group_wait", "{to: [oncall], group_wait"), {"Lag": (BASE, (2, 9, {"oncall": 2}))}),
    ("a rule that is gone", replaced("alert: Down", "alert: Down, enabled: false"),
     {"Down": ((1, 10, {"oncall": 1}), (0, 0, {}))}),
    ("an override", replaced("flapping: off}", "flapping: off, overrides: [{where: {name: payments}, for: 0s}]}"),
     {"Lag": (BASE, (2, 11, {"team": 2}))}),
    ("suppression", replaced("off, severity: critical}", "off, severity: critical, suppresses: [Lag]}"),
     {"Lag": (BASE, (2, 9, {"team": 1}))}),
    ("texts alone", replaced("off, severity: critical}", "off, severity: critical, annotations: {summary: it is down}}"), {}),
    ("a receiver's targets", replaced('team: {to: ["${TEAM}"]}', 'team: {to: ["${TEAM}", "${OTHER}"]}'), {}),
]  # fmt: skip


@pytest.mark.parametrize(("why", "edit", "effect"), EDITS, ids=[one[0] for one in EDITS])
def test_exactly_what_an_edit_does_is_named(why: str, edit: Callable[[str], str], effect: dict[str, object]) -> None:
    assert _effect(_diff(edit)) == effect


def test_ends_that_nobody_is_told_of_are_an_effect() -> None:
    found = _diff(replaced('oncall: {to: ["${ONCALL}"]}', 'oncall: {to: ["${ONCALL}"], send_resolved: false}'))
    assert [(one.rule, one.old.ends, one.new.ends) for one in found.rules if one.old and one.new] == [
        ("Down", {"oncall": 1}, {})
    ]


def test_another_severity_is_an_effect() -> None:
    found = _diff(replaced("for: 2m, flapping: off}", "for: 2m, flapping: off, severity: info}"))
    assert [(one.rule, one.edits) for one in found.rules] == [("Lag", ("severity: warning -> info",))]


def test_night_and_weekend_are_those_of_the_receivers_clock() -> None:
    """Orders fires on Sunday at 23:12, payments at 23:32; both are before midnight."""
    found = _diff(replaced("limit: 20", "limit: 40"))
    (lag,) = found.rules
    assert lag.old is not None
    assert lag.old.pages == {"team": Pages(2, 2, 2)}


def test_a_longer_for_says_how_much_later_and_why_the_other_is_gone() -> None:
    found = _diff(replaced("for: 2m", "for: 5m"))
    (lag,) = found.rules
    assert lag.edits == ("for: 2m -> 5m",)
    assert [(one.entity, one.by) for one in lag.shifts] == [("source/orders", 180.0)]
    assert [(one.entity, one.why) for one in found.largest][1] == (
        "source/payments",
        "it was true for 2m, `for` is 5m",
    )
    earlier = _diff(replaced("for: 2m", "for: 5m"), back=True)
    assert [one.by for one in earlier.rules[0].shifts] == [-180.0]


def test_whom_an_edit_covers_newly_and_no_longer() -> None:
    more = _diff(replaced("where: {tags: prod}, ", ""))
    assert [(one.rule, one.gained, one.lost) for one in more.rules] == [("Lag", ("source/trial",), ())]
    less = _diff(replaced("where: {tags: prod}, ", ""), back=True)
    assert [(one.rule, one.gained, one.lost) for one in less.rules] == [("Lag", (), ("source/trial",))]
    assert less.largest[0].why == "the rule does not cover it any more"


def test_targets_of_a_receiver_are_named_as_they_are_written() -> None:
    (team,) = _diff(replaced('team: {to: ["${TEAM}"]}', 'team: {to: ["${TEAM}", "${OTHER}"]}')).receivers
    assert (team.receiver, team.added, team.removed) == ("team", ("${OTHER}",), ())


def test_texts_that_nobody_is_woken_by_make_no_difference() -> None:
    assert not _diff(
        replaced("off, severity: critical}", "off, severity: critical, annotations: {summary: it is down}}")
    )


def test_the_largest_come_first_and_are_five() -> None:
    found = _diff(lambda text: text.replace("where: {tags: prod}, ", "").replace("limit: 20", "limit: 1000"))
    assert [one.entity for one in found.largest] == ["source/orders", "source/payments"]
    assert [one.weight for one in found.largest] == sorted((one.weight for one in found.largest), reverse=True)


def test_pages_that_are_held_back_name_what_holds_them() -> None:
    found = _diff(replaced("off, severity: critical}", "off, severity: critical, suppresses: [Lag]}"))
    assert [one.why for one in found.largest] == ["now suppressed by Down on source/orders"]
    mutes = 'mutes: [{name: nightly, where: {alertname: Lag}, times: ["mon-sun 00:00-24:00"]}]\n'
    muted = _diff(lambda text: text + mutes)
    assert [one.why for one in muted.largest] == ["now muted by nightly"]
    routed = _diff(replaced("{to: [team], group_wait", "{to: [oncall], group_wait"))
    assert {one.why for one in routed.largest} == {"it is routed or grouped differently"}

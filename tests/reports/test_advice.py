"""The advice of a report is that of a replay of the same polls, or promises less."""

from __future__ import annotations

import random

import pytest

from watchdog.configuration.files import load_texts
from watchdog.configuration.places import Place
from watchdog.cycle.engine import SERVICE_READINGS, Engine
from watchdog.cycle.state import Saved
from watchdog.notify.rendering import Wording
from watchdog.readings.fleet import Kind
from watchdog.readings.poll import Poll
from watchdog.reports.builder import report_of
from watchdog.reports.report import Period, RuleLine
from watchdog.store.store import Store
from watchdog.trials.cases import MONDAY, Case
from watchdog.trials.replay import replay
from watchdog.trials.test_entities import populate
from watchdog.trials.world import World

MINUTE, POLLS = 60.0, 400


def incidents(chance: random.Random) -> list[float]:
    """Lag that comes for a few minutes, mostly, and goes."""
    values: list[float] = []
    while len(values) < POLLS:
        values += [0.0] * chance.randrange(5, 40) + [20.0] * chance.choice([1, 2, 3, 4, 6, 9, 25])
    return [*values[:POLLS], *[0.0] * 40]


def polls_of(case: Case) -> list[Poll]:
    world = World(case)
    return [world.poll(number * MINUTE) for number in range(POLLS + 40)]


def reported(case: Case, polls: list[Poll]) -> dict[str, RuleLine]:
    """What the service would have kept of these polls, and reported, by rule."""
    store = Store.in_memory()
    engine = Engine(case.policy, Saved(), start=case.start, every=MINUTE, wording=Wording(), name="watchdog")
    for poll in polls:
        engine.judge(poll, dict.fromkeys(SERVICE_READINGS, 0.0))
        if changes := engine.take_changes():
            store.commit(changes)
    period = Period(case.start, polls[-1].at + 1)
    made = report_of(store.rows_of(period.start, period.end), case.policy, period, MINUTE)
    store.close()
    return {line.alert: line for line in made.rules}


RULES = """
defaults: {flapping: off}
rules:
  - {alert: AtOnce, each: source, expr: recordsLag > 10}
  - {alert: Later, each: source, expr: recordsLag > 10, for: 2m}
  - {alert: Hysteresis, each: source, expr: recordsLag > 10, clear: recordsLag < 1}
  - {alert: Kept, each: source, expr: recordsLag > 10, for: 1m, keep_firing_for: 2m}
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_it_is_that_of_a_replay_or_promises_less(seed: int) -> None:
    place = Place("case", 1, 1)
    entities = populate([(Kind.SOURCE, "a", {"source": "a"}, place)], [])
    case = Case("case", place, load_texts({"r.yaml": RULES}, {}), start=MONDAY, entities=entities)
    case.readings[entities[-1].key] = {"recordsLag": list(incidents(random.Random(seed)))}
    polls = polls_of(case)
    played = {rule.name: rule for rule in replay(polls, case.policy, MINUTE).rules}
    lines = reported(case, polls)
    assert [lines[name].episodes for name in played] == [len(rule.stretches) for rule in played.values()]
    for name in ("AtOnce", "Later", "Hysteresis"):
        advice = lines[name].advice
        assert ("" if advice is None else str(advice)) == played[name].advice
    kept = lines["Kept"].advice
    assert kept is not None
    assert kept.shorter <= sum(one.held < kept.for_seconds for one in played["Kept"].stretches)

"""The bank of incidents: its files say where they are from, and the pack hears what metrics can show."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from incidents.bank import Outcome, play
from incidents.polls import pack
from incidents.scenarios import Scenario, read_all

SCENARIOS = read_all()


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return play(SCENARIOS, all_worlds=False)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[one.name for one in SCENARIOS])
def test_a_scenario_names_its_source_and_what_was_seen(scenario: Scenario) -> None:
    assert re.fullmatch(r"https://\S+", scenario.source)
    assert len(scenario.seen) > 40
    if scenario.first is not None:
        assert scenario.first.within <= 13 * 3600


def test_there_are_forty_and_few_of_them_are_trivial() -> None:
    visible = [one for one in SCENARIOS if one.first is not None]
    trivial = [one for one in visible if one.first is not None and set(one.first.alerts) <= {"TaskFailed", "ConnectorBroken"}]
    assert len(visible) >= 40
    assert len(trivial) <= len(visible) / 3
    assert not [name for name, count in Counter(one.source for one in SCENARIOS).items() if count > 1]


def test_every_rule_that_is_expected_is_one() -> None:
    rules = set(pack().by_name)
    for scenario in SCENARIOS:
        if scenario.first is not None:
            assert set(scenario.first.alerts) & rules, f"{scenario.name}: none of {scenario.first.alerts} is a rule"


def test_what_metrics_can_show_is_heard_in_time(outcomes: list[Outcome]) -> None:
    judged = [one for one in outcomes if one.scenario.first is not None]
    missed = [f"{one.scenario.name} ({one.world})" for one in judged if not one.caught]
    late = [f"{one.scenario.name} ({one.world})" for one in judged if one.caught and not one.right_first]
    assert len(missed) <= 0.05 * len(judged), missed
    assert len(missed) + len(late) <= 0.1 * len(judged), late


def test_nobody_is_paged_where_there_is_nothing_to_hear(outcomes: list[Outcome]) -> None:
    paged = [(one.scenario.name, str(one.world), page.alert) for one in outcomes if one.scenario.first is None for page in one.pages]
    assert not paged


def test_nobody_is_told_anything_before_an_incident_begins(outcomes: list[Outcome]) -> None:
    early = [(one.scenario.name, heard.alert, round(one.minutes(heard))) for one in outcomes for heard in one.heard if heard.at < one.began]
    assert not early

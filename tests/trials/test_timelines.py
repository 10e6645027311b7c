"""Every sentence of how alerts live and who is told, as rule tests through the service's own engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from watchdog.trials.cases import Case, Restart
from watchdog.trials.player import play
from watchdog.trials.rule_tests import run_case
from watchdog.trials.test_files import read_cases

FILES = sorted((Path(__file__).parent / "cases").rglob("*timelines*.yaml"))
CASES = [case for file in FILES for case in read_cases(file)]
#: Enough of them to see that an expectation which is not met fails.
SOME = [case for case in CASES if case.messages][:40]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_timeline(case: Case) -> None:
    result = run_case(case)
    assert result.passed, "\n".join([*(failure.what for failure in result.failures), result.timeline])


@pytest.mark.parametrize("case", SOME, ids=[case.name for case in SOME])
def test_a_case_with_one_expectation_moved_fails(case: Case) -> None:
    assert case.messages
    first = case.messages[0]
    wrong = replace(case, messages=[replace(first, at=first.at + 1), *case.messages[1:]])
    assert not run_case(wrong).passed


@pytest.mark.parametrize("case", SOME, ids=[case.name for case in SOME])
def test_a_case_with_a_message_left_out_fails(case: Case) -> None:
    assert case.messages
    assert not run_case(replace(case, messages=case.messages[:-1])).passed


@pytest.mark.parametrize("case", [c for c in CASES if not c.restarts], ids=[c.name for c in CASES if not c.restarts])
def test_a_restart_in_the_middle_changes_nothing(case: Case) -> None:
    """Between two polls, so that no poll is missed: what was saved is all that is needed."""
    middle = (round(case.ends / case.interval / 2) + 0.5) * case.interval
    result = run_case(replace(case, restarts=[Restart(middle, middle)]))
    assert result.passed, "\n".join([*(failure.what for failure in result.failures), result.timeline])


def test_a_time_without_readings_is_told_with_the_next_message_only() -> None:
    case = next(one for one in CASES if one.name.startswith("a reminder says since when"))
    assert ["no reading" in told.text for told in play(case).told] == [False, True, False, True, False]

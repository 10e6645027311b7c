"""Where an alert's value is going: in one sentence, or not at all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.notify.trend import sentence
from watchdog.readings.chart_history import Line

NOW = 1_924_938_000.0
MINUTE = 60_000.0  # a lag in milliseconds


def _line(value: Callable[[float], float], minutes: int = 30, every: float = 60.0) -> Line:
    """`value` of the minutes before now."""
    times = np.arange(NOW - minutes * 60.0 + every, NOW + 1.0, every)
    return Line(times, np.array([value((NOW - at) / 60.0) for at in times]))


@pytest.mark.parametrize(
    ("why", "value", "says"),
    [
        ("grows", lambda ago: 10 * MINUTE - ago * MINUTE / 20, "rising 3m per hour"),
        ("shrinks towards the limit", lambda ago: 9 * MINUTE + ago * MINUTE / 5, "falling 12m per hour, at the limit in 20m"),
        ("shrinks slowly from far beyond", lambda ago: 1000 * MINUTE + ago * 2 * MINUTE, "falling 2h per hour, at the limit in 8h20m"),
        ("stays", lambda ago: 30 * MINUTE + (ago % 2) * 1000, "steady"),
        ("is far beyond and stays", lambda ago: 1e9, "steady"),
        ("jumps up and down", lambda ago: (ago % 3) * 10 * MINUTE, ""),
        ("jumped once", lambda ago: 20 * MINUTE if ago < 15 else 0.0, ""),
        ("began to grow ten minutes ago", lambda ago: max(0.0, 10 - ago) * MINUTE, ""),
    ],
)  # fmt: skip
def test_a_lag_with_a_limit_of_five_minutes(why: str, value: Callable[[float], float], says: str) -> None:
    found = sentence(_line(value), NOW, 5 * MINUTE, "ms")
    assert found == says, why


@pytest.mark.parametrize(
    ("unit", "limit", "says"),
    [
        ("", 100.0, "rising 120 per hour"),
        ("bytes", 100.0, "rising 120 B per hour"),
        ("", 1000.0, "rising 120 per hour, at the limit in 5h50m"),
        ("", 1e9, "steady"),
    ],
)
def test_units_and_a_limit_ahead(unit: str, limit: float, says: str) -> None:
    """Two more a minute, 300 now; an alert on too little has its limit ahead while it rises."""
    assert sentence(_line(lambda ago: 300 - 2 * ago), NOW, limit, unit) == says


@pytest.mark.parametrize(
    ("why", "line"),
    [
        ("too few readings", _line(lambda ago: ago, every=480.0)),
        ("over too short a time", _line(lambda ago: ago, minutes=14)),
        ("none", Line(np.array([]), np.array([]))),
        ("all of them older", Line(np.arange(NOW - 7200, NOW - 3600, 60.0), np.arange(60.0))),
        ("no numbers", _line(lambda ago: float("nan"))),
    ],
)
def test_nothing_is_said_of(why: str, line: Line) -> None:
    assert sentence(line, NOW, 5.0, "") == "", why


def test_gaps_do_not_matter() -> None:
    gappy = _line(lambda ago: float("nan") if 5 < ago < 12 else 1000 - ago * 20)
    assert sentence(gappy, NOW, 100.0, "") == "rising 1200 per hour"


def test_readings_too_small_for_a_slope_say_nothing() -> None:
    values = np.array([0.0, 0.0, 0.0, 0.0, 5e-324])
    assert sentence(Line(np.linspace(NOW - 1700, NOW, 5), values), NOW, 0.0, "ms") in ("", "steady")


@given(
    st.lists(st.floats(-1e15, 1e15, allow_nan=False), min_size=5, max_size=40),
    st.floats(-1e15, 1e15, allow_nan=False),
)
def test_any_readings_make_a_sentence_or_none(values: list[float], limit: float) -> None:
    times = np.linspace(NOW - 1700, NOW, len(values))
    said = sentence(Line(times, np.array(values)), NOW, limit, "ms")
    assert said in ("", "steady") or said.split()[0] in ("rising", "falling")

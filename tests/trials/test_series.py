"""Series in promtool's notation, and the slips of the pen that are none."""

from __future__ import annotations

import pytest

from watchdog.trials.series import Value, parse_series


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0", [0]),
        ("5x3", [5, 5, 5, 5]),
        ("5x0", [5]),
        ("1+2x3", [1, 3, 5, 7]),
        ("10-1x3", [10, 9, 8, 7]),
        ("-2-2x2", [-2, -4, -6]),
        ("-2+2x2 +3", [-2, 0, 2, 3]),
        ("1.5+.5x2 .25", [1.5, 2, 2.5, 0.25]),
        ("1e3x1 2.5E-1 1e3-1e2x1", [1000, 1000, 0.25, 1000, 900]),
        ("0x4 400000x1", [0, 0, 0, 0, 0, 400000, 400000]),
        ("  1\n 2\t3 ", [1, 2, 3]),
        ("_", [None]),
        ("_x3 1", [None, None, None, 1]),
        ("1 _x2 2", [1, None, None, 2]),
        ("Active", ["Active"]),
        ("Active x3", ["Active"] * 4),
        ("Active x0 Broken", ["Active", "Broken"]),
        ("7 x2", [7, 7, 7]),
        ("_ x2", [None, None, None]),
        ('"Not connected" x2', ["Not connected"] * 3),
        ('"Not connected"x2 Active', ["Not connected"] * 3 + ["Active"]),
        ("'Not connected' x1", ["Not connected"] * 2),
        (r'"say \"no\"" "_" "12"', ['say "no"', "_", "12"]),
        ("true false True", [1, 0, 1]),
        ("null ~ 1", [None, None, 1]),
        ("NaN Inf -Inf 1e999", [None, None, None, None]),
    ],
)
def test_values(text: str, values: list[Value]) -> None:
    assert parse_series(text) == values


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("9x", "'9x' is not a series; write 5, 5x3"),
        ("1+2", r"'1\+2' is not a series"),
        ("1+ax3", "is not a series"),
        ("1x-3", "is not a series"),
        ("4OO000x20", "'4OO000x20' is not a series"),
        ("Brokenx60", "'Brokenx60' is one text; did you mean \"Broken x60\"?"),
        ("5m", "'5m' is not a series; .*a text that begins so stands in quotes"),
        ("x3", "'x3' repeats the value before it, and there is none"),
        ('"Not connected', "begins with a quote that is never closed"),
        ("1x999999999999", "more than 100000 values"),
        ("1+1x999999999999", "more than 100000 values"),
        ("_x999999999999", "more than 100000 values"),
        ("1x60000 2x60000", "more than 100000 values"),
    ],
)
def test_slips_of_the_pen(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_series(text)

"""Units: durations and sizes as people write them, and numbers as people read them."""

from __future__ import annotations

import math
import re

import pytest

from watchdog.configuration.schema import schema
from watchdog.units import (
    exact_bytes,
    exact_duration,
    exact_number,
    format_bytes,
    format_duration,
    format_number,
    near_quantity,
    parse_duration,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5), ("30s", 30), ("5m", 300), ("1h30m", 5400), ("2d", 172_800), ("0s", 0), ("0.1s", 0.1),
        ("1.5h", 5400), ("1d2h3m4s5ms", 93_784.005), ("5m500ms", 300.5), (" 5m ", 300), ("90m", 5400),
    ],
)  # fmt: skip
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
    assert _fits_the_schema(text.strip())


@pytest.mark.parametrize(
    ("why", "text", "meant"),
    [
        ("the smaller unit first", "30m1h", "1h30m"),
        ("the smallest unit first", "5ms1s", "1s5ms"),
        ("a unit twice", "5m5m", "10m"),
        ("a unit twice around another", "1h5m1h", "2h5m"),
        ("words", "1 hour 30 min", "1h30m"),
        ("words in the wrong order", "30 min 1 hour", "1h30m"),
        ("weeks", "1w", "7d"),
        ("weeks and days", "1w2d", "9d"),
        ("a capital letter", "5M", "5m"),
        ("many digits", "12345678 ms", "12345678ms"),
        ("no unit", "30", ""),
        ("no number", "m", ""),
        ("a sign", "-5m", ""),
        ("nothing", "", ""),
        ("digits of another script", "٣m", ""),
    ],
)
def test_what_is_no_duration_is_told_with_what_may_be_meant(why: str, text: str, meant: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_duration(text)
    hint = f"; did you mean '{meant}'?" if meant else ""
    accepted = "write a number and ms, s, m, h or d, e.g. 5m or 1h30m"
    assert str(refused.value) == f"{text!r} is not a duration; {accepted}{hint}"
    assert not meant or parse_duration(meant) >= 0
    assert not _fits_the_schema(text)


def _fits_the_schema(text: str) -> bool:
    """Whether editors accept it, too."""
    pattern = schema()["properties"]["rules"]["items"]["properties"]["for"]["anyOf"][0]["pattern"]
    return re.search(pattern, text) is not None


def test_a_duration_is_not_longer_than_instants_reach() -> None:
    assert parse_duration("36525d") == 36_525 * 86_400
    for text in ("36526d", "9" * 400 + "d"):
        with pytest.raises(ValueError, match="longer than a hundred years"):
            parse_duration(text)


@pytest.mark.parametrize(("text", "size"), [("10KiB", 10_240), ("5MiB", 5_242_880), ("1GB", 1e9), ("0.5kB", 500), ("7B", 7)])
def test_sizes(text: str, size: float) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["10", "10kib", "1GB1MB", "-1MB", ""])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size; write a number and B, KB, MB"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "meant"), [("5 minutes", "5m"), ("10 mb", "10MB"), ("5M", "5MB"), ("10Ki", "10KiB"), ("5 parsecs", "")]
)
def test_what_a_quantity_in_another_spelling_means(text: str, meant: str) -> None:
    assert near_quantity(text) == meant


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"), (0.84, "840ms"), (1, "1s"), (9.5, "9.5s"), (42, "42s"), (724, "12m4s"), (5400, "1h30m"),
        (86_640, "1d"), (-90, "-1m30s"), (math.inf, "inf"),
        # what rounds up to the next unit is told in it
        (0.9996, "1s"), (9.96, "10s"), (59.6, "1m"), (-59.6, "-1m"), (3599.7, "1h"), (86_399.9, "1d"),
    ],
)  # fmt: skip
def test_durations_in_words(seconds: float, shown: str) -> None:
    assert format_duration(seconds) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"), (12, "12 B"), (1_572_864, "1.5 MiB"), (-2048, "-2 KiB"), (1023.96, "1 KiB"), (1024**2 - 1, "1 MiB"),
        (2.0**50, "1024 TiB"),
    ],
)  # fmt: skip
def test_sizes_in_words(size: float, shown: str) -> None:
    assert format_bytes(size) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(3.0, "3"), (-0.0, "0"), (0.05, "0.05"), (1.2e6, "1200000"), (1e21, "1e+21"), (math.nan, "nan")]
)
def test_numbers_in_words(value: float, shown: str) -> None:
    assert format_number(value) == shown


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0s"), (5400, "1h30m"), (86_640, "1d4m"), (0.5, "500ms"), (-90.25, "-1m30s250ms"), (0.0005, ""), (1e306, "")],
)
def test_durations_in_full(seconds: float, written: str) -> None:
    assert exact_duration(seconds) == written
    assert not written or parse_duration(written.lstrip("-")) == abs(seconds)


@pytest.mark.parametrize(
    ("size", "written"),
    [
        (0, "0 B"), (10 * 2**20, "10 MiB"), (1e9, "1 GB"), (1.5e6, "1.5 MB"), (2**30, "1 GiB"), (123_457, "123457 B"),
        (-2048, "-2 KiB"),
    ],
)  # fmt: skip
def test_sizes_in_full(size: float, written: str) -> None:
    assert exact_bytes(size) == written


@pytest.mark.parametrize(("value", "written"), [(0.123456789, "0.123456789"), (0.1 + 0.2, "0.3"), (1e21, "1e+21"), (7.0, "7")])
def test_numbers_in_full(value: float, written: str) -> None:
    assert exact_number(value) == written

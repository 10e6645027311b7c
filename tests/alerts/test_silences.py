"""Matchers and silences: what a new one may hold, and that no stranger's pattern stays in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchdog.alerts.silences import Matcher, Silence, check_new, parse_matcher


def silence(*matchers: Matcher, author: str = "eva", comment: str = "") -> Silence:
    return Silence("id", matchers or (Matcher("a", "b"),), 0.0, 1.0, author, comment, 0.0)


BOUNDS = [
    ("matchers", silence(*[Matcher("a", str(n)) for n in range(101)]), "matchers: 101 were found; at most 100 are accepted"),
    ("a name", silence(Matcher("a" * 201, "b")), "a matcher's name: 201 characters were found; at most 200 are accepted"),
    ("a value", silence(Matcher("a", "b" * 1001)), "the value of a: 1001 characters were found; at most 1000 are accepted"),
    ("an author", silence(author="e" * 201), "author: 201 characters were found; at most 200 are accepted"),
    ("a comment", silence(comment="c" * 900_000), "comment: 900000 characters were found; at most 2000 are accepted"),
]


@pytest.mark.parametrize(("why", "made", "says"), BOUNDS, ids=[row[0] for row in BOUNDS])
def test_a_new_silence_has_bounds_and_one_that_is_kept_already_stays(why: str, made: Silence, says: str) -> None:
    with pytest.raises(ValueError) as caught:
        check_new(made)
    assert str(caught.value) == says


@pytest.mark.parametrize("where", [{"author": "e\0"}, {"comment": "\0"}])
def test_no_text_of_a_silence_holds_a_nul(where: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="NUL"):
        silence(**where)
    for matcher in (Matcher("a\0", "b"), Matcher("a", "b\0")):
        with pytest.raises(ValueError, match="NUL"):
            silence(matcher)


def test_a_matcher_is_read_in_linear_time() -> None:
    found = parse_matcher("  a =  " + "x" + " " * 50_000 + "y  ")
    assert found.name == "a" and len(found.value) == 50_002


def test_patterns_of_strangers_do_not_stay_in_memory() -> None:
    """Two hundred distinct patterns of a third of a megabyte each; the library alone would keep the last 128."""
    before = _resident()
    for number in range(200):
        Matcher("a", rf"\pL{{20}}|{number}", regex=True).matches({"a": "x" * 300})
    assert _resident() - before < 15 * 1024**2


def test_a_pattern_that_needs_too_much_memory_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="not a regular expression RE2 accepts: pattern too large"):
        Matcher("a", r"\pL{900}", regex=True)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

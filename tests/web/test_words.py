"""What pages make of values, as tables: reasons in parts, mutes in words, what a browser loads."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from watchdog.alerts.mutes import Mute
from watchdog.configuration.mutes import parse_time
from watchdog.rules.selector import Selector
from watchdog.web.assets import Assets
from watchdog.web.episode_cards import followable, parts_of
from watchdog.web.silences import mute_views
from watchdog.web.times import moment

REASONS = [
    ("one comparison", "lag is 12m4s (> 5m)", ["12m4s"], ["(> 5m)"]),
    ("two", 'connector_status is Active (== "Active") and increase(n, 15m) is 0 (== 0)', ["Active", "0"],
     ['(== "Active")', "(== 0)"]),
    ("within brackets", "a is 1 (== 1) and (b is 2 (> 1) or c is 3 (> 1))", ["1", "2", "3"],
     ["(== 1)", "(> 1)", "(> 1)"]),
    ("within a not", "not (m is 3 (> 5))", ["3"], ["(> 5)"]),
    ("a limit that is an expression", "a is 3 (> ago(a, 1h) = 2)", ["3"], ["(> ago(a, 1h) = 2)"]),
    ("one of several", 'state is Broken (in ["Broken", "Failed"])', ["Broken"], ['(in ["Broken", "Failed"])']),
    ("nothing was read", "m has no reading", ["has no reading"], []),
    ("a value of several words", "state is Pending Update (!~ x.*)", ["Pending Update"], ["(!~ x.*)"]),
    ("no comparison at all", "rule removed", [], []),
    ("nothing", "", [], []),
    ("what looks like markup", "s is <b>(x)</b> (== 1)", ["<b>(x)</b>"], ["(== 1)"]),
]  # fmt: skip


@pytest.mark.parametrize(("why", "reason", "values", "limits"), REASONS, ids=[row[0] for row in REASONS])
def test_a_reason_sets_off_what_was_seen_from_its_limit(why, reason, values, limits):
    parts = parts_of(reason)
    assert "".join(part.text for part in parts) == reason
    assert [part.text for part in parts if part.role == "value"] == values
    assert [part.text for part in parts if part.role == "limit"] == limits


@pytest.mark.parametrize("times", ["00:00-24:00", "mon-fri 22:00-06:00", "sat-sun 01:30-02:00", "mon,wed,fri-sun 08:00-09:00"])
def test_a_mute_is_shown_as_it_is_written(times):
    (view,) = mute_views([Mute("quiet", Selector(), (parse_time(times),))], [], 1_700_000_000.0)
    assert (view.times, view.where) == (times, "everything")


MOMENTS = [
    ("seconds ago", 1_764_000_000.0, 1_764_000_027.4, "16:00:00 UTC", "27s ago"),
    ("yesterday has its date", 1_764_000_000.0, 1_764_060_000.0, "Nov 24, 16:00:00 UTC", "16h40m ago"),
    ("what is to come", 1_764_003_600.0, 1_764_000_000.0, "17:00:00 UTC", "in 1h"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "at", "now", "clock", "ago"), MOMENTS, ids=[row[0] for row in MOMENTS])
def test_an_instant_has_its_zone_and_its_age(why, at, now, clock, ago):
    found = moment(at, now)
    assert (found.clock, found.ago) == (clock, ago)


@pytest.mark.parametrize(("url", "followed"), [
    ("https://wiki.example.com/lag", True), ("http://wiki/lag", True), ("javascript:alert(1)", False), ("//elsewhere", False),
    ("data:text/html,x", False), ("", False), ("http://[", False), (" javascript:alert(1)", False),
])  # fmt: skip
def test_only_what_a_browser_should_follow_is_a_link(url, followed):
    assert followable(url) == (url if followed else "")


def test_everything_a_browser_loads_is_light_and_comes_with_its_licence():
    assert Assets().weight < 100_000, "bytes, compressed, of all that is vendored and ours"
    static = files("watchdog.web").joinpath("static")
    licences = static.joinpath("vendor", "LICENSE.txt").read_text(encoding="utf-8")
    for file in static.joinpath("vendor").iterdir():
        assert file.name == "LICENSE.txt" or file.name in licences, f"{file.name} is named where its licence stands"


def test_our_pages_and_files_name_no_other_host_and_hold_no_inline_script():
    web = files("watchdog.web")
    for folder in ("templates", "static"):
        for file in web.joinpath(folder).iterdir():
            if file.is_dir():
                continue
            text = file.read_text(encoding="utf-8")
            assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), file.name
            assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son[a-z]+=|javascript:", text), file.name


def test_a_mute_by_calendar_names_it_without_its_path() -> None:
    mutes = [Mute("a", Selector(), calendar="rules/work.ics"), Mute("b", Selector(), calendar="https://h.example/5ecret")]
    assert [one.times for one in mute_views(mutes, [], 1_700_000_000.0)] == ["calendar work.ics", "calendar h.example"]

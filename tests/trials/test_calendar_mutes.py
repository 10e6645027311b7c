"""A rule test whose mute follows a calendar."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

RULES = """
rules: [{alert: Lag, each: source, expr: recordsLag > 5}]
receivers: {team: {to: ["json://localhost"]}}
routes: [{to: [team], group_wait: 0s, group_interval: 0s}]
mutes: [{name: maintenance, where: {name: "*"}, ics: "CALENDAR"}]
"""
CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:x
BEGIN:VEVENT
UID:1
DTSTART:20260105T090200Z
DTEND:20260105T091000Z
RRULE:FREQ=WEEKLY
END:VEVENT
END:VCALENDAR
"""
TEST = """
tests:
  - name: the event of the second week holds a beginning back, and releases it
    rules: [../rules.yaml]
    start: 2026-01-12T09:00Z
    interval: 1m
    entities: [{source: a}]
    readings: [{entity: a, metric: recordsLag, values: "0x2 9x17"}]
    messages: [{at: 10m, to: team, kind: firing, contains: maintenance}]
"""


def tried(folder: Path, calendar: str) -> subprocess.CompletedProcess[str]:
    (folder / "tests").mkdir()
    (folder / "rules.yaml").write_text(RULES.replace("CALENDAR", calendar))
    (folder / "tests" / "t.yaml").write_text(TEST)
    (folder / "work.ics").write_text(CALENDAR.replace("\n", "\r\n"))
    command = [sys.executable, "-m", "watchdog", "test", "tests"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_the_mute_is_on_during_an_event(tmp_path):
    done = tried(tmp_path, "work.ics")
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout


def test_a_calendar_that_cannot_be_read_is_a_mistake_of_the_test(tmp_path):
    done = tried(tmp_path, "wrok.ics")
    assert done.returncode == 2
    assert "tests/t.yaml:4:12: ics: wrok.ics cannot be read: No such file or directory" in done.stdout + done.stderr

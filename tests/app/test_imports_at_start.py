"""What a start does not need is imported later: the first evaluation waits for every import before it."""

from __future__ import annotations

import subprocess
import sys

LATER = ("apprise", "slack_sdk", "icalendar", "recurring_ical_events", "requests", "alembic.command")


def test_a_start_imports_nothing_that_only_messages_need():
    code = f"import sys, watchdog.app.startup; print([one for one in {LATER!r} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"

"""When a message that could not be delivered is tried again."""

from __future__ import annotations

import pytest

from watchdog.notify.message import MessageKind
from watchdog.notify.pending import Item, Part, PendingNotification
from watchdog.notify.routes import GroupKey

DAY = 86400.0


def _notification(attempts: int = 0) -> PendingNotification:
    items = (Item("episode", Part.BEGIN),)
    return PendingNotification(
        1, "t", "oncall", GroupKey("oncall", ()), MessageKind.FIRING, items, 0.0, 0.0, attempts=attempts
    )


@pytest.mark.parametrize(("why", "attempts", "at", "retry_after", "pause"), [
    ("the first failure waits a second",            0,    0.0,     None,   1.0),
    ("then two",                                    1,    1.0,     None,   2.0),
    ("then four",                                   2,    3.0,     None,   4.0),
    ("doubling up to here",                         8,    255.0,   None,   256.0),
    ("and no further than five minutes",            9,    511.0,   None,   300.0),
    ("however often it failed",                     500,  80000.0, None,   300.0),
    ("Retry-After is obeyed",                       0,    0.0,     60.0,   60.0),
    ("up to five minutes",                          0,    0.0,     3600.0, 300.0),
    ("and never makes it sooner",                   5,    31.0,    1.0,    32.0),
    ("a second short of a day is no day",           290,  DAY - 1, None,   300.0),
    ("after a day it is tried hourly",              290,  DAY,     None,   3600.0),
    ("whatever the target asks for",                290,  DAY,     60.0,   3600.0),
])  # fmt: skip
def test_the_pause_before_the_next_try(
    why: str, attempts: int, at: float, retry_after: float | None, pause: float
) -> None:
    after = _notification(attempts).failed(at, "down", retry_after)
    assert after.next_try - at == pause, why
    assert (after.attempts, after.last_error) == (attempts + 1, "down")

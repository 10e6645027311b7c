"""What the book of notification forgets, and when."""

from __future__ import annotations

import pytest

from watchdog.alerts.episodes import Episode, Facts
from watchdog.alerts.lifecycle import AlertKey
from watchdog.notify.ledger import Ending, Entry, Standing
from watchdog.notify.message import MessageKind
from watchdog.notify.pending import Item, Part, PendingNotification
from watchdog.notify.records import Records
from watchdog.notify.routes import GroupKey
from watchdog.readings.fleet import Kind

GROUP = GroupKey("oncall", ())
OVER = Episode("e", AlertKey("Lag", Kind.SOURCE, "a"), 0.0, 0.0, Facts({}, "a"), ended=60.0)


@pytest.mark.parametrize(("why", "standing", "ending", "waits", "settled"), [
    ("its end is told",                                 Standing.ACCEPTED, Ending.CLOSED,  False, True),
    ("its beginning was refused, nobody hears the end", Standing.REFUSED,  Ending.NONE,    False, True),
    ("its end is on its way",                           Standing.ACCEPTED, Ending.WAITING, False, False),
    ("its end is owed",                                 Standing.ACCEPTED, Ending.NONE,    False, False),
    ("its beginning is on its way",                     Standing.WAITING,  Ending.NONE,    False, False),
    ("its end is waived, a duty about it still waits",  Standing.ACCEPTED, Ending.CLOSED,  True,  False),
])  # fmt: skip
def test_an_episode_that_is_over_is_forgotten_when_nothing_is_owed(
    why: str, standing: Standing, ending: Ending, waits: bool, settled: bool
) -> None:
    records = Records()
    records.put_episode(OVER)
    records.put_entry(Entry("e", "t", GROUP, standing=standing, ending=ending))
    if waits:
        records.add_notification(
            PendingNotification(1, "t", "oncall", GROUP, MessageKind.REMINDER, (Item("e", Part.REMIND),), 60.0, 900.0)
        )
    assert records.settled(OVER) is settled, why

"""`watchdog ack`: acknowledge a firing alert from the terminal."""

from __future__ import annotations

import time

from watchdog.alerts.episodes import Acknowledgement
from watchdog.commands.output import console
from watchdog.commands.people import author_or_login, episodes_named, open_store
from watchdog.errors import ConfigError
from watchdog.settings import Settings

_MOST = 10_000


def ack(alert: str, entity: str, *, author: str | None, comment: str) -> int:
    """Raises ConfigError where that alert does not fire."""
    store = open_store(Settings.load())
    try:
        episode = episodes_named(store.episodes(firing=True, limit=_MOST), alert, entity)[0]
        said = Acknowledgement(time.time(), author_or_login(author), comment)
        if not store.put_ack(episode.id, said):
            raise ConfigError(f"{alert} on {episode.facts.entity} does not fire any more, or was acknowledged already")
    finally:
        store.close()
    console().print(f"acknowledged {alert} on {episode.facts.entity}: no more reminders, no escalation", markup=False)
    return 0

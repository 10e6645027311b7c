"""`watchdog ack`: acknowledge a firing alert from the terminal."""

from __future__ import annotations

import time

from watchdog.alerts.episodes import Acknowledgement
from watchdog.commands.operator import author_or_login, episodes_named, links_of, open_store
from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import console, shown
from watchdog.errors import ConfigError
from watchdog.settings import Settings
from watchdog.store.audit import Action, Actor, Via, record
from watchdog.web.v1.conversion import episode_object

_MOST = 10_000


def ack(alert: str, entity: str, *, author: str | None, comment: str, as_json: bool) -> int:
    """Raises ConfigError where that alert does not fire. Who was first stays."""
    settings = Settings.load()
    store = open_store(settings)
    try:
        episode = episodes_named(store.episodes(firing=True, limit=_MOST), alert, entity)[0]
        said = Acknowledgement(time.time(), author_or_login(author), comment)
        if not store.put_ack(episode.id, said):
            raise ConfigError(f"{alert} on {episode.facts.entity} does not fire any more")
        who = Actor(said.author, Via.TERMINAL)
        record(store, said.at, who, Action.ACKNOWLEDGE, f"{alert} on {episode.facts.entity}")
        episode = store.episode(episode.id) or episode
    finally:
        store.close()
    if as_json:
        print_json(episode_object(episode, links_of(settings)))
        return 0
    first = episode.acknowledgement
    if first is not None and first != said:
        why = f": {first.comment}" if first.comment else ""
        text = f"{alert} on {episode.facts.entity} is acknowledged already, by {first.author} at {shown(first.at)}{why}"
    else:
        text = f"acknowledged {alert} on {episode.facts.entity}: no more reminders, no escalation"
    console().print(text, markup=False)
    return 0

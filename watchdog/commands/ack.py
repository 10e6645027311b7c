"""`watchdog ack`: acknowledge firing alerts from the terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence

from watchdog.alerts.episodes import Acknowledgement, Episode
from watchdog.alerts.silences import check_said
from watchdog.commands.operator import author_or_login, episodes_named, links_of, open_store
from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import console, shown
from watchdog.errors import ConfigError
from watchdog.settings import Settings
from watchdog.store.audit import Action, Actor, Via, record
from watchdog.web.v1.conversion import episode_object

_MOST = 10_000


def ack(alert: str, entities: Sequence[str], *, author: str | None, comment: str, as_json: bool) -> int:
    """Acknowledges one rule's alerts on each entity. Whoever was first stays.

    Raises ConfigError before it changes anything where an alert does not fire. One entity prints one JSON object,
    several a list.
    """
    said = Acknowledgement(time.time(), author_or_login(author), comment)
    try:
        check_said(said.author, comment)
    except ValueError as cause:
        raise ConfigError(str(cause)) from None
    settings = Settings.load()
    store = open_store(settings)
    try:
        firing = store.episodes(firing=True, limit=_MOST)
        found = [episodes_named(firing, alert, entity)[0] for entity in entities]
        for episode in found:
            if not store.put_ack(episode.id, said):
                raise ConfigError(f"{alert} on {episode.facts.entity} does not fire any more")
            who = Actor(said.author, Via.TERMINAL)
            record(store, said.at, who, Action.ACKNOWLEDGE, f"{alert} on {episode.facts.entity}")
        found = [store.episode(one.id) or one for one in found]
    finally:
        store.close()
    if as_json:
        objects = [episode_object(one, links_of(settings)) for one in found]
        print_json(objects[0] if len(objects) == 1 else objects)
        return 0
    for episode in found:
        console().print(_outcome(episode, said), markup=False)
    return 0


def _outcome(episode: Episode, said: Acknowledgement) -> str:
    what, first = f"{episode.alert.rule} on {episode.facts.entity}", episode.acknowledgement
    if first is None or first == said:
        return f"acknowledged {what}: no more reminders, no escalation"
    why = f": {first.comment}" if first.comment else ""
    return f"{what} was already acknowledged by {first.author} at {shown(first.at)}{why}"

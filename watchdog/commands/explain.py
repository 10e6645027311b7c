"""`watchdog explain`: the whole story of one alert, from what it remembers."""

from __future__ import annotations

import time

from watchdog.alerts.life import AlertKey
from watchdog.app.starting import last_policy
from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import console, shown, table
from watchdog.commands.people import episodes_named, links_of, open_store
from watchdog.cycle.policy import Policy
from watchdog.notify.wording import in_words, unit_of
from watchdog.rules.rule import Quantity
from watchdog.settings import Settings
from watchdog.units import format_duration
from watchdog.variables import read_variables
from watchdog.web.knowing import Outlook
from watchdog.web.story import story
from watchdog.web.v1.making import episode_object, line_object, names_of, told_object

_EPISODES = 1000
_NOTES = 500
_FIRING = 10_000


def explain(alert: str, entity: str, *, as_json: bool) -> int:
    """Raises ConfigError for an alert that never fired, or a name that fits several."""
    settings = Settings.load()
    now = time.time()
    store = open_store(settings)
    try:
        episodes = episodes_named(store.episodes(limit=_EPISODES), alert, entity)
        latest = episodes[0]
        notes = store.notes_of(alert=latest.alert, limit=_NOTES)
        entries = store.entries_of(*(one.id for one in episodes[:10]))
        labels = names_of(store.targets())
        state = store.alerts().get(latest.alert)
        outlook = Outlook(last_policy(store, read_variables()) or Policy(), store.groups(), store.targets(),
                          store.silences(), store.episodes(firing=True, limit=_FIRING), now)  # fmt: skip
    finally:
        store.close()
    if as_json:
        print_json({
            "alert": _key(latest.alert),
            "state": None if state is None else str(state.phase),
            "episodes": [episode_object(one, links_of(settings)) for one in episodes],
            "told": [told_object(one, labels) for one in entries],
            "story": [line_object(one, labels) for one in notes],
        })  # fmt: skip
        return 1 if latest.firing else 0
    out = console()
    facts = latest.facts
    out.print(f"{latest.alert.rule} on {latest.alert.kind}/{facts.entity} ({latest.alert.entity})", style="bold",
              markup=False)  # fmt: skip
    if latest.firing:
        out.print(f"firing since {shown(latest.began)}, true since {shown(latest.since)}", markup=False)
    else:
        lasted = format_duration((latest.ended or latest.began) - latest.began)
        out.print(f"{state.phase if state else 'resolved'}; fired {shown(latest.began)} for {lasted}", markup=False)
    out.print(f"why          {facts.reason}", markup=False)
    if not latest.firing:
        out.print(f"ended        {latest.why_ended or latest.end_reason}", markup=False)
    knows = outlook.knowledge(latest, (one for one in entries if one.episode == latest.id))
    for told in knows.told:
        out.print(f"told         {' '.join(filter(None, (told.receiver, told.role)))}"
                  f"{f' at {told.at.clock}' if told.at else ''}", markup=False)  # fmt: skip
    for words in knows.waiting:
        out.print(f"waits        {words}", markup=False)
    for held in knows.held:
        out.print(f"held back    {held.words}", markup=False)
    ack = latest.acknowledgement
    if ack is not None:
        out.print(f"acknowledged {shown(ack.at)} by {ack.author} {ack.comment}", markup=False)
    for metric, value in sorted(facts.readings.items()):
        said = "no reading" if value is None else in_words(Quantity(value, unit_of(metric)))
        out.print(f"reading      {metric} = {said}", markup=False)
    out.print()
    lines = story(sorted(notes, key=lambda one: one.at), episodes[-1].since, outlook.label, now)
    rows = [(line.at.text, line.what, line.why) for line in lines]
    table(("when", "what", "why"), rows, empty="no story is kept of it")
    return 1 if latest.firing else 0


def _key(alert: AlertKey) -> dict[str, str]:
    return {"rule": alert.rule, "kind": str(alert.kind), "entity_id": alert.entity}

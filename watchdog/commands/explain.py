"""`watchdog explain`: the history of one alert, from the database, and its state at the last poll, from the service."""

from __future__ import annotations

import time

from watchdog.alerts.lifecycle import AlertKey
from watchdog.app.startup import last_policy
from watchdog.commands.operator import episodes_named, links_of, open_store
from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import console, shown, table
from watchdog.commands.service_client import ServiceClient
from watchdog.cycle.policy import Policy
from watchdog.environment import read_variables
from watchdog.errors import ConfigError
from watchdog.notify.rendering import in_words, unit_of
from watchdog.rules.rule import Quantity
from watchdog.settings import Settings
from watchdog.units import format_duration
from watchdog.web.episode_timeline import story
from watchdog.web.recipients import Outlook
from watchdog.web.v1.conversion import episode_object, line_object, names_of, told_object
from watchdog.web.v1.schemas import Alert

_EPISODES = 1000
_NOTES = 500
_FIRING = 10_000


def explain(alert: str, entity: str, *, as_json: bool) -> int:
    """1 while it fires, else 0. Raises ConfigError for an alert that nobody knows, or a name that fits several."""
    settings = Settings.load()
    now = time.time()
    store = open_store(settings)
    try:
        try:
            episodes = episodes_named(store.episodes(limit=_EPISODES), alert, entity)
        except ConfigError as never:
            return _not_fired(ServiceClient(settings), alert, entity, never, as_json=as_json)
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
        lasted = format_duration((latest.ended or latest.began) - latest.since)
        phase = state.phase if state else "resolved"
        out.print(f"{phase}; fired {shown(latest.began)}, resolved after {lasted}", markup=False)
    current = ServiceClient(settings).episode(latest.id) if latest.firing else None
    out.print(f"fired when   {facts.reason}", markup=False)
    if current is not None and current.current:
        out.print(f"now          {current.reason}", markup=False)
        if current.error:
            out.print(f"error        {current.error}", markup=False)
        if current.trend:
            out.print(f"trend        {current.trend}", markup=False)
    if not latest.firing:
        out.print(f"resolved     {latest.why_ended or latest.end_reason}", markup=False)
    knows = outlook.knowledge(latest, (one for one in entries if one.episode == latest.id))
    for told in knows.told:
        out.print(f"notified     {' '.join(filter(None, (told.receiver, told.role)))}"
                  f"{f' at {told.at.clock}' if told.at else ''}", markup=False)  # fmt: skip
    for words in knows.waiting:
        out.print(f"pending      {words}", markup=False)
    for held in knows.held:
        out.print(f"silenced     {held.words}", markup=False)
    ack = latest.acknowledgement
    if ack is not None:
        out.print(f"acknowledged {shown(ack.at)} {ack}", markup=False)
    readings = facts.readings if current is None or not current.current else current.readings
    title = "reading then" if readings is facts.readings else "reading now "
    for metric, value in sorted(readings.items()):
        seen = "no reading" if value is None else in_words(Quantity(value, unit_of(metric)))
        out.print(f"{title} {metric} = {seen}", markup=False)
    out.print()
    lines = story(sorted(notes, key=lambda one: one.at), episodes[-1].since, outlook.label, now)
    rows = [(line.at.text, line.what, line.why) for line in lines]
    table(("when", "what", "why"), rows, empty="no history")
    return 1 if latest.firing else 0


def _not_fired(service: ServiceClient, rule: str, entity: str, never: ConfigError, *, as_json: bool) -> int:
    """An alert without a past: what it is now, and why, as the running service sees it."""
    found = [one for one in service.alerts(rule) if entity in _called(one)]
    if not service.answers:
        raise ConfigError(f"{never}; only a running service knows why, and none answers at {service.address}")
    if not found:
        raise never
    if len(found) > 1:
        candidates = ", ".join(sorted(f"{one.kind}/{one.entity}" for one in found))
        raise ConfigError(f"'{entity}' may be any of these: {candidates}; write the id")
    (alert,) = found
    if as_json:
        key = {"rule": alert.alert, "kind": alert.kind, "entity_id": alert.entity_id}
        print_json({"alert": key, "state": alert.state, "episodes": [], "told": [], "story": [], "now": alert})
        return 0
    out = console()
    out.print(f"{alert.alert} on {alert.kind}/{alert.entity} ({alert.entity_id})", style="bold", markup=False)
    since = f" since {shown(alert.since.timestamp())}" if alert.since else ""
    out.print(f"{alert.state}{since}; it has not fired, so nobody was notified", markup=False)
    out.print(f"last poll    {alert.verdict}", markup=False)
    out.print(f"why          {alert.reason or 'the request for its readings failed'}", markup=False)
    for one in service.readings(alert):
        said = "no reading" if one.value is None else in_words(Quantity(one.value, one.unit or ""))
        out.print(f"reading      {one.metric} = {said}", markup=False)
    return 0


def _called(alert: Alert) -> set[str]:
    names = {alert.entity, alert.entity_id}
    return names | {f"{alert.kind}/{name}" for name in names}


def _key(alert: AlertKey) -> dict[str, str]:
    return {"rule": alert.rule, "kind": str(alert.kind), "entity_id": alert.entity}

"""`watchdog explain`: the whole story of one alert, from the database and from the running service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec

from watchdog.alerts.lifecycle import AlertKey
from watchdog.app.startup import last_policy
from watchdog.commands.operator import episodes_named, links_of, open_store
from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import console, shown, table
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
from watchdog.web.v1.schemas import Alert, Reading

#: Seconds. It runs on this machine, or it does not run.
_PATIENCE = 3.0
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "[::1]"}


class Service:
    """The service at the address that the settings name; `answers` is False where none does."""

    def __init__(self, settings: Settings) -> None:
        token = settings.watchdog_web_token
        host, port = settings.listen or ("", 0)
        self.address = f"{_ANY_ADDRESS.get(host, host)}:{port}"
        self.answers = settings.listen is not None
        self._headers = {} if token is None else {"Authorization": f"Bearer {token.get_secret_value()}"}

    def alerts(self, rule: str) -> list[Alert]:
        """A rule on every entity that it covers, as the last poll left them."""
        return [msgspec.convert(one, Alert) for one in self._items("alerts", alert=rule)]

    def readings(self, alert: Alert) -> list[Reading]:
        """What the last poll read of an alert's entity, as far as its reason names it."""
        items = self._items("readings", kind=alert.kind, name=alert.entity_id)
        return [one for item in items if (one := msgspec.convert(item, Reading)).metric in alert.reason]

    def _items(self, what: str, **given: str) -> Iterator[Any]:
        after: str | None = ""
        while self.answers and after is not None:
            params = {**given, "limit": "1000"} | ({"after": after} if after else {})
            try:
                url = f"http://{self.address}/api/watchdog/v1/{what}"
                answer = httpx.get(url, params=params, headers=self._headers, timeout=_PATIENCE, trust_env=False)
                page = msgspec.json.decode(answer.raise_for_status().content)
            except (httpx.HTTPError, msgspec.DecodeError):
                self.answers = False
                return
            yield from page["items"]
            after = page["next"]


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
            return _not_fired(Service(settings), alert, entity, never, as_json=as_json)
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


def _not_fired(service: Service, rule: str, entity: str, never: ConfigError, *, as_json: bool) -> int:
    """An alert without a past: what it is now, and why, as the running service sees it."""
    found = [one for one in service.alerts(rule) if entity in _called(one)]
    if not service.answers:
        raise ConfigError(f"{never}; why not, only a running service knows, and none answers at {service.address}")
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
    out.print(f"{alert.state}{since}; it has not fired yet, so nobody is told", markup=False)
    out.print(f"last poll    {alert.verdict}", markup=False)
    out.print(f"why          {alert.reason or 'the request that would have answered for it failed'}", markup=False)
    for one in service.readings(alert):
        said = "no reading" if one.value is None else in_words(Quantity(one.value, one.unit or ""))
        out.print(f"reading      {one.metric} = {said}", markup=False)
    return 0


def _called(alert: Alert) -> set[str]:
    names = {alert.entity, alert.entity_id}
    return names | {f"{alert.kind}/{name}" for name in names}


def _key(alert: AlertKey) -> dict[str, str]:
    return {"rule": alert.rule, "kind": str(alert.kind), "entity_id": alert.entity}

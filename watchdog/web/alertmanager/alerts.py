"""Firing episodes as Alertmanager's alerts and groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2s
from typing import Any

from watchdog.alerts.episodes import Episode
from watchdog.alerts.life import AlertKey
from watchdog.notify.routes import GroupKey, text_of
from watchdog.readings.fleet import LabelValue
from watchdog.web.alertmanager.asking import filters, flag, pattern
from watchdog.web.alertmanager.configuration import PAGE
from watchdog.web.instants import instant_text
from watchdog.web.resource import Asked
from watchdog.web.seen import Watched

Object = dict[str, Any]
_MOST = 10_000
#: An alert says until when it holds unless it is said again: always a while from now, as long as it fires.
_HOLDS = 300.0


class Alerts:
    """What fires, read from the store and the last poll; the loop is not waited for."""

    def __init__(self, watched: Watched, clock: Callable[[], float]) -> None:
        self._watched, self._clock = watched, clock

    def alerts(self, asked: Asked) -> list[Object]:
        """Raises WrongError for a filter that is none."""
        found = [made for made, _ in self._chosen(asked)]
        return sorted(found, key=lambda made: str(made["fingerprint"]))

    def groups(self, asked: Asked) -> list[Object]:
        """An alert stands in each of its groups. Raises WrongError for a filter that is none."""
        muted, receiver = flag(asked, "muted"), pattern(asked, "receiver")
        found: dict[GroupKey, Object] = {}
        for made, keys in self._chosen(asked):
            for key in keys:
                if receiver is None or receiver.matches({"receiver": key.receiver}):
                    empty = {"labels": dict(key.labels), "routeLabels": {}, "receiver": {"name": key.receiver},
                             "alerts": []}  # fmt: skip
                    found.setdefault(key, empty)["alerts"].append(made)
        ordered = [found[key] for key in sorted(found, key=lambda key: (key.labels, key.receiver))]
        return [one for one in ordered if muted or not all(made["status"]["mutedBy"] for made in one["alerts"])]

    def _chosen(self, asked: Asked) -> list[tuple[Object, list[GroupKey]]]:
        wanted, receiver, labelless = filters(asked), pattern(asked, "receiver"), filters(asked, "receiver_matchers")
        active, silenced, inhibited = (flag(asked, name) for name in ("active", "silenced", "inhibited"))
        flag(asked, "unprocessed")  # what fires has been routed already
        firing = self._watched.store.episodes(firing=True, limit=_MOST)
        fingerprints = {str(one.alert): fingerprint(one.alert) for one in firing}
        found = []
        for episode in firing:
            hold = episode.hold
            if (not active and not hold) or (not silenced and hold.silences) or (not inhibited and hold.suppressed):
                continue
            labels = self._watched.facts(episode).labels
            if not all(one.matches(labels) for one in wanted):
                continue
            keys = self._groups_of(labels)
            names = [key.receiver for key in keys]
            if receiver is not None and not any(receiver.matches({"receiver": name}) for name in names):
                continue
            if all(one.matches({}) for one in labelless):
                found.append((self._alert(asked, episode, labels, names, fingerprints), keys))
        return found

    def _groups_of(self, labels: Mapping[str, LabelValue]) -> list[GroupKey]:
        """Where nobody is told an alert shows on the page alone; it must not be missing in other programs' views."""
        keys = [key for key, _ in self._watched.policy.contacts.groups_for(labels)]
        return keys or [GroupKey(PAGE, (("alertname", text_of(labels.get("alertname", ""))),))]

    def _alert(
        self,
        asked: Asked,
        episode: Episode,
        labels: Mapping[str, LabelValue],
        receivers: list[str],
        fingerprints: Mapping[str, str],
    ) -> Object:
        now, hold, judged = self._clock(), episode.hold, self._watched.judged
        page = self._watched.links.to_alert(episode) or f"{asked.request.base_url}alerts/{episode.id}"
        return {
            "labels": {name: text_of(value) for name, value in labels.items() if value},
            "annotations": dict(self._watched.texts(episode, now)),
            "startsAt": instant_text(episode.began),
            "endsAt": instant_text(now + _HOLDS),
            "updatedAt": instant_text(now if judged is None else judged.at),
            "fingerprint": fingerprint(episode.alert),
            "generatorURL": page,
            "receivers": [{"name": name} for name in receivers],
            "status": {
                "state": "suppressed" if hold else "active",
                "silencedBy": list(hold.silences),
                "inhibitedBy": [fingerprints[one] for one in (hold.suppressor,) if one in fingerprints],
                "mutedBy": list(hold.mutes),
            },
        }


def fingerprint(alert: AlertKey) -> str:
    """What an alert is: its rule and its entity. Labels may change."""
    return blake2s(f"{alert.rule}\0{alert.kind}\0{alert.entity}".encode(), digest_size=8).hexdigest()

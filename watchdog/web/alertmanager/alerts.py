"""Firing episodes as Alertmanager's alerts and groups, and the filters they can be asked with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2s
from typing import Any

from watchdog.alerts.episodes import Episode
from watchdog.alerts.lifecycle import AlertKey
from watchdog.alerts.silences import Matcher, parse_matcher
from watchdog.cycle.evaluation import Evaluation
from watchdog.notify.routes import GroupKey, text_of
from watchdog.readings.fleet import LabelValue
from watchdog.web.alertmanager.configuration import PAGE
from watchdog.web.resource import Asked, WrongError
from watchdog.web.times import instant_text
from watchdog.web.view import ServiceView

#: Filters of one request, and characters of one.
_FILTERS, _LONGEST = 20, 1000
_SWITCH = {"true": True, "1": True, "false": False, "0": False}


def filters(asked: Asked, name: str = "filter") -> list[Matcher]:
    """Every matcher given under this name. Raises WrongError for one that is none, and for too much of them."""
    given = asked.request.query_params.getlist(name)
    if len(given) > _FILTERS or any(len(text) > _LONGEST for text in given):
        raise WrongError(400, f"{name}: at most {_FILTERS} matchers of {_LONGEST} characters are accepted")
    try:
        return [parse_matcher(text) for text in given]
    except ValueError as cause:
        raise WrongError(400, f"{name}: {cause}") from cause


def pattern(asked: Asked, name: str) -> Matcher | None:
    """A regular expression over whole names; None where it is not given."""
    text = asked.request.query_params.get(name)
    if text is not None and len(text) > _LONGEST:
        raise WrongError(400, f"{name}: at most {_LONGEST} characters are accepted")
    try:
        return None if text is None else Matcher(name, text, regex=True)
    except ValueError as cause:
        raise WrongError(400, f"{name}: {cause}") from cause


def flag(asked: Asked, name: str) -> bool:
    """A switch that is on unless it is switched off."""
    text = asked.request.query_params.get(name, "true").lower()
    if text not in _SWITCH:
        raise WrongError(400, f"{name}: {text[:100]!r} is neither true nor false")
    return _SWITCH[text]


Object = dict[str, Any]
_MOST = 10_000
#: An alert says until when it holds unless it is said again: always a while from now, as long as it fires.
_HOLDS = 300.0


@dataclass(frozen=True, slots=True)
class Firing:
    """One alert that fires: `made` is what does not depend on who asks; `page` is "" where no public URL is set."""

    episode: Episode
    labels: Mapping[str, LabelValue]
    groups: list[GroupKey]
    made: Object
    page: str


class Alerts:
    """What fires, read from the store and the last poll; the loop is not waited for. Made once for each state of the
    watchdog, whoever asks: texts and reasons of a storm take their time."""

    def __init__(self, watched: ServiceView, clock: Callable[[], float]) -> None:
        self._watched, self._clock = watched, clock
        self._lock = threading.Lock()
        self._kept: tuple[int, Evaluation | None, list[Firing]] = (-1, None, [])

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
        if not all(one.matches({}) for one in labelless):  # no receiver here has labels
            return []
        ends = instant_text(self._clock() + _HOLDS)
        found = []
        for one in self._firing():
            hold = one.episode.hold
            if (not active and not hold) or (not silenced and hold.silences) or (not inhibited and hold.suppressed):
                continue
            if not all(matcher.matches(one.labels) for matcher in wanted):
                continue
            if receiver is None or any(receiver.matches({"receiver": key.receiver}) for key in one.groups):
                page = one.page or f"{_here(asked)}/alerts/{one.episode.id}"
                found.append(({**one.made, "endsAt": ends, "generatorURL": page}, one.groups))
        return found

    def _firing(self) -> list[Firing]:
        with self._lock:  # the others wait for the first, instead of making the same
            version, evaluation = self._watched.version(), self._watched.evaluation
            if self._kept[0] != version or self._kept[1] is not evaluation:
                firing = self._watched.store.episodes(firing=True, limit=_MOST)
                fingerprints = {str(one.alert): fingerprint(one.alert) for one in firing}
                self._kept = version, evaluation, [self._made(one, fingerprints) for one in firing]
            return self._kept[2]

    def _made(self, episode: Episode, fingerprints: Mapping[str, str]) -> Firing:
        now, hold, evaluation = self._clock(), episode.hold, self._watched.evaluation
        labels = self._watched.facts(episode).labels
        # where nobody is told an alert shows on the page alone; it must not be missing in other programs' views
        groups = [key for key, _ in self._watched.policy.routing.groups_for(labels, now)]
        groups = groups or [GroupKey(PAGE, (("alertname", text_of(labels.get("alertname", ""))),))]
        made = {
            "labels": {name: text_of(value) for name, value in labels.items() if value},
            "annotations": dict(self._watched.texts(episode, now)),
            "startsAt": instant_text(episode.began),
            "updatedAt": instant_text(now if evaluation is None else evaluation.at),
            "fingerprint": fingerprint(episode.alert),
            "receivers": [{"name": key.receiver} for key in groups],
            "status": {
                "state": "suppressed" if hold else "active",
                "silencedBy": list(hold.silences),
                "inhibitedBy": [fingerprints[one] for one in (hold.suppressor,) if one in fingerprints],
                "mutedBy": list(hold.mutes),
            },
        }
        return Firing(episode, labels, groups, made, self._watched.links.to_alert(episode))


def _here(asked: Asked) -> str:
    """The address that this request was sent to."""
    host = asked.request.headers.get("host", "")
    return f"{asked.request.scope['scheme']}://{host}" if host else ""


def fingerprint(alert: AlertKey) -> str:
    """What an alert is: its rule and its entity. Labels may change."""
    return blake2s(f"{alert.rule}\0{alert.kind}\0{alert.entity}".encode(), digest_size=8).hexdigest()

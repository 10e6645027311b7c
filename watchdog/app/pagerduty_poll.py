"""Asks PagerDuty what people did with our incidents, where its webhooks cannot come in (PAGERDUTY_API_TOKEN)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import httpx
import msgspec

from watchdog.alerts.episodes import Episode
from watchdog.errors import StoreError
from watchdog.store import responses
from watchdog.store.audit import Actor, Via

logger = logging.getLogger(__name__)

#: Seconds between two rounds, and longest that PagerDuty can ask us to wait.
_EVERY, _LONGEST = 30.0, 300.0
_WITHIN = 10.0
#: Incidents of a page, and pages of one key that are looked through.
_PAGE, _PAGES = 100, 5


class _Who(msgspec.Struct):
    type: str = ""
    summary: str | None = None


class _Acknowledgement(msgspec.Struct):
    at: datetime
    acknowledger: _Who = msgspec.field(default_factory=_Who)


class Incident(msgspec.Struct):
    """What is used of an incident: https://developer.pagerduty.com/api-reference/9d0b4b12e36f9-list-incidents"""

    incident_key: str | None = None
    status: str = ""
    created_at: datetime | None = None
    last_status_change_at: datetime | None = None
    last_status_change_by: _Who | None = None
    acknowledgements: list[_Acknowledgement] = []


class _Answer(msgspec.Struct):
    incidents: list[Incident]
    more: bool = False


_decoder = msgspec.json.Decoder(_Answer)


class _Busy(Exception):
    """PagerDuty asks to wait for so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def api_headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Token token={token}", "Accept": "application/vnd.pagerduty+json;version=2"}


class PagerDutyPoll:
    """A thread that asks every 30 seconds for the incidents of alerts that fire. `open_incidents()` are those alerts by
    PagerDuty's key."""

    def __init__(
        self,
        token: str,
        url: str,
        watched: responses.Watchdog,
        open_incidents: Callable[[], Mapping[str, Sequence[Episode]]],
        clock: Callable[[], float],
    ) -> None:
        self._watched, self._open_incidents, self._clock = watched, open_incidents, clock
        self._url = url.rstrip("/")
        self._headers = api_headers(token)
        self._stop = threading.Event()
        self._said = ""
        self._thread = threading.Thread(target=self._run, name="pagerduty", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def ask(self) -> float:
        """One round; seconds until the next."""
        wanted = self._open_incidents()
        if not wanted:
            return _EVERY
        try:
            with httpx.Client(timeout=_WITHIN, headers=self._headers) as client:
                for key, episodes in wanted.items():
                    if self._stop.is_set():
                        break
                    if (incident := self._latest(client, key)) is not None:
                        for episode in episodes:
                            apply(self._watched, incident, episode, self._clock())
        except _Busy as busy:
            return max(_EVERY, min(busy.seconds, _LONGEST))
        except httpx.HTTPStatusError as cause:
            self._complain(f"answered {cause.response.status_code} {cause.response.reason_phrase}")
        except (httpx.HTTPError, msgspec.MsgspecError, StoreError, ValueError) as cause:
            self._complain(f"{type(cause).__name__}")
        else:
            self._said = ""
        return _EVERY

    def _latest(self, client: httpx.Client, key: str) -> Incident | None:
        """The newest incident of a key; PagerDuty opens another one when a key is triggered after its end."""
        found: list[Incident] = []
        seen = 0  # a page may be shorter than what was asked for
        for _ in range(_PAGES):
            answer = client.get(f"{self._url}/incidents", params={
                "incident_key": key, "date_range": "all", "sort_by": "created_at:desc", "limit": _PAGE,
                "offset": seen,
            })  # fmt: skip
            if answer.status_code == 429:
                asked = answer.headers.get("ratelimit-reset") or answer.headers.get("retry-after") or ""
                raise _Busy(float(asked) if asked.isdigit() else _EVERY)
            answer.raise_for_status()
            decoded = _decoder.decode(answer.content)
            seen += len(decoded.incidents)
            found += [one for one in decoded.incidents if one.incident_key == key]
            if not decoded.more or found:
                break
        return max(found, key=_created, default=None)

    def _complain(self, what: str) -> None:
        if what != self._said:  # trouble that repeats unchanged is said once
            logger.warning("PagerDuty could not be asked about its incidents; check PAGERDUTY_API_TOKEN",
                           extra={"error": what})  # fmt: skip
        self._said = what

    def _run(self) -> None:
        pause = _EVERY
        while not self._stop.wait(pause):
            try:
                pause = self.ask()
            except Exception:
                logger.exception("PagerDuty's incidents could not be looked at")
                pause = _EVERY


def apply(watched: responses.Watchdog, incident: Incident, episode: Episode, now: float) -> None:
    """Do here what was done with an incident. What happened before the episode began was about an earlier one."""
    said = episode.acknowledgement
    if incident.status == "acknowledged" and said is None:
        given = max(incident.acknowledgements, key=lambda one: one.at, default=None)
        at = now if given is None else min(given.at.timestamp(), now)
        if at >= episode.began:
            who = _Who() if given is None else given.acknowledger
            responses.acknowledge(watched, episode.id, _actor(who), at)
    elif incident.status == "triggered" and said is not None and said.via == Via.PAGERDUTY:
        responses.take_back(watched, episode, _actor(incident.last_status_change_by), now)
    elif incident.status == "resolved":
        by, changed = incident.last_status_change_by, incident.last_status_change_at
        at = 0.0 if changed is None else min(changed.timestamp(), now)
        since = episode.began if said is None else max(episode.began, said.at + 1e-3)
        # an end that the watchdog sent is one of an integration, not of a person
        if by is not None and by.type.startswith("user") and at >= since:
            responses.resolved_elsewhere(watched, episode, _actor(by), at)


def _actor(who: _Who | None) -> Actor:
    return Actor((("" if who is None else who.summary) or "somebody")[:200], Via.PAGERDUTY)


def _created(incident: Incident) -> float:
    return 0.0 if incident.created_at is None else incident.created_at.timestamp()

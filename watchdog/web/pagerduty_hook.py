"""PagerDuty's webhooks: what is acknowledged, taken back or resolved there counts here, in that person's name.

The format is PagerDuty's V3: https://developer.pagerduty.com/docs/webhooks-overview. A delivery may come twice, late or
out of order; what an event says counts as of the instant it occurred at, so that none of this changes anything.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from watchdog.alerts.episodes import Episode
from watchdog.store import responses
from watchdog.store.audit import Actor, Via
from watchdog.web.access import Access
from watchdog.web.resource import MOST_BODY
from watchdog.web.view import ServiceView

#: Seconds that an event may be old, or ahead of our clock.
_FRESH = 300.0
_SIGNATURE = "x-pagerduty-signature"
#: Delegation hands the incident to other people, who are asked by PagerDuty from then on.
_ACKNOWLEDGED = ("incident.acknowledged", "incident.delegated")
_TAKEN_BACK = {"incident.unacknowledged": Via.PAGERDUTY, "incident.reopened": Via.PAGERDUTY_RESOLVED}
_RESOLVED = "incident.resolved"


class _Reference(msgspec.Struct):
    """Somebody or something at PagerDuty."""

    type: str = ""
    summary: str | None = None


class _Incident(msgspec.Struct):
    incident_key: str | None = None


class _Event(msgspec.Struct):
    event_type: str
    occurred_at: datetime
    agent: _Reference | None = None
    data: _Incident = msgspec.field(default_factory=_Incident)


class _Delivery(msgspec.Struct):
    event: _Event


_decoder = msgspec.json.Decoder(_Delivery)


def is_signed(body: bytes, signatures: str, secret: str) -> bool:
    """Whether one of the signatures in the header is of this body. There are several while a secret is rotated."""
    wanted = "v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    offered = [one.strip().encode("utf-8", "replace") for one in signatures.split(",")]
    return any(hmac.compare_digest(one, wanted.encode()) for one in offered)


class PagerDutyHook:
    """Answers `POST /hooks/pagerduty`. `secret` is "" where PAGERDUTY_WEBHOOK_SECRET is not set."""

    def __init__(
        self, watched: ServiceView, access: Access, secret: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._watched, self._access, self._secret, self._clock = watched, access, secret, clock

    def routes(self) -> list[Route]:
        return [Route("/hooks/pagerduty", self._answer, methods=["POST"])]

    async def _answer(self, request: Request) -> Response:
        if not self._secret:
            return _said(404, "PAGERDUTY_WEBHOOK_SECRET is not set: webhooks of PagerDuty are not taken")
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BODY:
                return _said(413, "the body is too large")
        return await run_in_threadpool(self._taken, request, bytes(body))

    def _taken(self, request: Request, body: bytes) -> Response:
        address = self._access.proxy.address(request)
        if not is_signed(body, request.headers.get(_SIGNATURE, ""), self._secret):
            self._access.refusals.refused(address)
            return _said(401, "X-PagerDuty-Signature does not fit the body and PAGERDUTY_WEBHOOK_SECRET")
        try:
            event = _decoder.decode(body).event
            at = event.occurred_at.timestamp()
        except (msgspec.MsgspecError, ValueError, OverflowError) as cause:
            return _said(400, f"this is no V3 webhook: {cause}")
        if event.event_type == "pagey.ping":
            return _said(200, "the webhook works")
        if event.occurred_at.tzinfo is None or abs(self._clock() - at) > _FRESH:
            return _said(400, "the event did not occur within the last 5 minutes; compare the clocks")
        agent = event.agent or _Reference()
        by = Actor((agent.summary or "somebody")[:200], Via.PAGERDUTY, address)
        found = self._watched.store.episodes_of_incident(event.data.incident_key or "")
        did = [self._apply(event.event_type, agent.type, by, at, one) for one in found]
        return _said(200, "; ".join(filter(None, did)) or "nothing to do")

    def _apply(self, event: str, agent: str, by: Actor, at: float, episode: Episode) -> str:
        """What was done about one alert, "" for nothing."""
        if event in _ACKNOWLEDGED:
            comment = "delegated there" if event == "incident.delegated" else ""
            done = responses.acknowledge(self._watched, episode.id, by, at, comment)
            return "acknowledged" if done is not None else ""
        if event in _TAKEN_BACK:
            again = replace(by, via=_TAKEN_BACK[event])
            return "taken back" if responses.take_back(self._watched, episode, again, at) else ""
        # the end that the watchdog itself sends is an event of an integration, not of a person
        if event == _RESOLVED and agent.startswith("user"):
            done = responses.resolved_elsewhere(self._watched, episode, by, at)
            return "resolved there" if done is not None else ""
        return ""


def _said(status: int, text: str) -> Response:
    return PlainTextResponse(f"{text}\n", status)

"""PagerDuty's webhooks: who signed them, when they occurred, and what they do to an alert that fires."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
from site_under_test import LAG, Site

from watchdog.notify.routes import incident_key
from watchdog.store.audit import Action, entries
from watchdog.web.pagerduty_hook import is_signed

SECRET = "hook-secret-of-this-test"
#: Two receivers at PagerDuty keep incidents; what is sent there ends at the test's own target.
RULES = """
rules:
  - alert: SourceBehind
    each: source
    expr: StreamingMilliSecondsBehindSource > 5m
receivers:
  oncall: {to: ["pagerduty://0123456789abcdef0123456789abcdef@0123456789abcdef0123"]}
routes:
  - {to: [oncall], group_wait: 0s, group_interval: 0s, group_by: [id], repeat_interval: 1h}
"""


def signed(body: bytes, secret: str = SECRET) -> str:
    return "v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Hooked:
    """An alert that fires, with an incident at PagerDuty, and what PagerDuty posts about it."""

    def __init__(self, site: Site, source: str) -> None:
        self.site, self.source = site, source
        site.until(lambda: site.store.episodes_of_incident(self.key))

    @property
    def episode(self):
        found = [one for one in self.site.store.episodes(firing=True) if one.facts.entity == self.source]
        return found[0] if found else None

    @property
    def key(self) -> str:
        return "" if self.episode is None else incident_key(self.episode.alert)

    def event(self, kind: str, *, age: float = 0, agent: str = "user_reference", who: str = "Ann") -> bytes:
        at = datetime.fromtimestamp(time.time() - age, UTC).isoformat().replace("+00:00", "Z")
        event = {"id": "01", "event_type": f"incident.{kind}", "resource_type": "incident", "occurred_at": at,
                 "agent": {"id": "P1", "type": agent, "summary": who},
                 "data": {"id": "Q1", "type": "incident", "incident_key": self.key, "status": kind}}  # fmt: skip
        return json.dumps({"event": event}).encode()

    def post(self, body: bytes, signature: str | None = None) -> httpx.Response:
        headers = {"X-PagerDuty-Signature": signed(body) if signature is None else signature,
                   "Content-Type": "application/json"}  # fmt: skip
        return httpx.post(f"{self.site.url}/hooks/pagerduty", content=body, headers=headers)

    def say(self, kind: str, **how: object) -> str:
        answer = self.post(self.event(kind, **how))
        assert answer.status_code == 200, answer.text
        return answer.text.strip()


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Iterator[str]]]:
    folder = tmp_path_factory.mktemp("site")
    with Site(folder, sources=12, rules=RULES, PAGERDUTY_WEBHOOK_SECRET=SECRET) as site:
        for source in site.sources:
            site.streamkap.set(source, LAG, 900_000)
        yield site, iter(site.sources)


@pytest.fixture
def hooked(behind: tuple[Site, Iterator[str]]) -> Hooked:
    site, sources = behind
    return Hooked(site, next(sources))


def test_one_of_several_signatures_has_to_fit() -> None:
    body = b"{}"
    good, other = signed(body), signed(body, "another-secret")
    assert is_signed(body, good, SECRET)
    assert is_signed(body, f"{other}, {good}", SECRET)
    for wrong in ("", ",", other, good[:-1], good.upper(), good.removeprefix("v1="), "v0=" + good[3:], "v1=é"):
        assert not is_signed(body, wrong, SECRET)


def test_acknowledged_there_is_acknowledged_here(hooked):
    assert hooked.say("acknowledged") == "acknowledged"
    said = hooked.episode.acknowledgement
    assert str(said) == "by Ann, at PagerDuty"
    found = entries(hooked.site.store, action=Action.ACKNOWLEDGE)[0]
    assert (found.actor.who, found.subject) == ("Ann", f"SourceBehind on {hooked.source}")


def test_taken_back_there_is_taken_back_here_whatever_comes_again(hooked):
    acknowledged = hooked.event("acknowledged", age=20)
    hooked.post(acknowledged)
    taken_back = hooked.event("unacknowledged", age=10)
    assert hooked.post(taken_back).text.strip() == "taken back"
    assert hooked.episode.acknowledgement is None
    hooked.post(acknowledged)
    assert hooked.episode.acknowledgement is None, "the same event again"
    hooked.say("acknowledged", who="Eva")
    hooked.post(taken_back)
    hooked.post(acknowledged)
    assert hooked.episode.acknowledgement.author == "Eva"
    hooked.site.until_polled(2)
    assert hooked.episode.acknowledgement.author == "Eva"


def test_what_was_said_here_is_not_taken_back_there(hooked):
    hooked.site._service.engine_store.acknowledge(hooked.episode.id, "ann")
    assert hooked.say("acknowledged", who="Eva") == "acknowledged"
    assert hooked.say("unacknowledged") == "nothing to do"
    assert hooked.episode.acknowledgement.author == "ann"


def test_delegated_there_is_in_hand(hooked):
    hooked.say("delegated")
    assert str(hooked.episode.acknowledgement) == "by Ann, at PagerDuty: delegated there"


def test_resolved_there_by_hand_is_triggered_again_after_the_repeat_interval(hooked):
    assert hooked.say("resolved", agent="inbound_integration_reference") == "nothing to do", "our own end"
    assert hooked.say("resolved") == "resolved there"
    given = hooked.episode.acknowledgement
    assert given.resolved_elsewhere
    engine_store = hooked.site._service.engine_store
    hooked.site.told.messages.clear()
    hooked.site.until_polled(2)
    assert not hooked.site.told.messages
    with engine_store.reading() as engine:  # an hour later
        past = replace(given, at=given.at - 3600)
        engine.records.put_episode(replace(hooked.episode, acknowledgement=past))
    hooked.site.until(lambda: hooked.site.told.messages)
    (message,) = hooked.site.told.messages
    assert message.dedup_key == hooked.key
    assert (message.kind, message.cause) == ("reminder", "Ann resolved the incident at PagerDuty, and the alert still fires")
    assert hooked.episode.acknowledgement is None


@pytest.mark.parametrize(
    ("why", "change", "status"),
    [
        ("no signature", lambda one: one.post(one.event("acknowledged"), ""), 401),
        ("another secret", lambda one: one.post(body := one.event("acknowledged"), signed(body, "other")), 401),
        ("another body", lambda one: one.post(one.event("acknowledged"), signed(b"{}")), 401),
        ("six minutes old", lambda one: one.post(one.event("acknowledged", age=360)), 400),
        ("six minutes ahead", lambda one: one.post(one.event("acknowledged", age=-360)), 400),
        ("no JSON", lambda one: one.post(b"acknowledged"), 400),
        ("another format", lambda one: one.post(b'{"messages": []}'), 400),
        ("no zone", lambda one: one.post(one.event("acknowledged").replace(b'Z"', b'"')), 400),
    ],
)  # fmt: skip
def test_forged_old_and_strange_webhooks_change_nothing(behind, hooked_once, why, change, status):
    assert change(hooked_once).status_code == status
    assert hooked_once.episode.acknowledgement is None


@pytest.fixture(scope="module")
def hooked_once(behind: tuple[Site, Iterator[str]]) -> Hooked:
    site, sources = behind
    return Hooked(site, next(sources))


def test_an_unknown_incident_and_an_unknown_event_are_no_error(hooked):
    body = json.loads(hooked.event("acknowledged"))
    body["event"]["data"]["incident_key"] = "somebody else's\0"
    assert hooked.post(json.dumps(body).encode()).text == "nothing to do\n"
    assert hooked.say("annotated") == "nothing to do"
    ping = {"event": {**body["event"], "event_type": "pagey.ping", "data": {"message": "hello"}}}
    assert hooked.post(json.dumps(ping).encode()).status_code == 200


def test_without_a_secret_no_webhook_is_taken(tmp_path):
    with Site(tmp_path, sources=1) as site:
        assert httpx.post(f"{site.url}/hooks/pagerduty", content=b"{}").status_code == 404

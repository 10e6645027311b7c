"""PagerDuty asked about our incidents: what people did there counts here, and nothing that is about an earlier episode."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from sinks.http import HttpSink, Reply, Request

from watchdog.alerts.episodes import Acknowledgement, AlertKey, Episode, Facts
from watchdog.app.pagerduty_poll import Incident, PagerDutyPoll, apply
from watchdog.readings.fleet import Kind
from watchdog.store.store import Store

NOW = 1_774_087_200.0
EPISODE = Episode("e1", AlertKey("Lag", Kind.SOURCE, "a"), since=NOW - 600, began=NOW - 600,
                  facts=Facts(entity="prod-orders", labels={"severity": "critical"}))  # fmt: skip
ANN = {"type": "user_reference", "summary": "Ann"}
OURS = {"type": "events_api_v2_inbound_integration_reference", "summary": "watchdog"}


def said(seconds: float) -> str:
    return datetime.fromtimestamp(NOW + seconds, UTC).isoformat().replace("+00:00", "Z")


def incident(status: str, *, created: float = -600, by: dict[str, str] = ANN, at: float = -60, key: str = "k") -> dict[str, object]:
    given = [{"at": said(at), "acknowledger": by}] if status == "acknowledged" else []
    return {"id": "Q1", "incident_key": key, "status": status, "created_at": said(created), "acknowledgements": given,
            "last_status_change_at": said(at), "last_status_change_by": by, "urgency": "high"}  # fmt: skip


@dataclass
class Watched:
    """A watchdog whose answers are kept."""

    store: Store
    did: list[tuple[str, ...]] = field(default_factory=list)

    def acknowledge(self, episode_id, author, comment="", *, via="", address="", at=None):
        self.did.append(("acknowledged", author, via))
        return replace(EPISODE, acknowledgement=Acknowledgement(at, author, comment, via))

    def withdraw(self, episode_id, taken_back):
        self.did.append(("taken back", taken_back.author, taken_back.via))
        return True


@pytest.fixture
def watched(tmp_path):
    made = Watched(Store.open(f"sqlite:///{tmp_path}/watchdog.db"))
    yield made
    made.store.close()


def acknowledged(via: str) -> Episode:
    return replace(EPISODE, acknowledgement=Acknowledgement(NOW - 60, "Ann", "", via))


@pytest.mark.parametrize(("why", "there", "here", "done"), [
    ("acknowledged there", incident("acknowledged"), EPISODE, [("acknowledged", "Ann", "pagerduty")]),
    ("it is known already", incident("acknowledged"), acknowledged("pagerduty"), []),
    ("acknowledged in an earlier episode", incident("acknowledged", at=-700), EPISODE, []),
    ("nothing done", incident("triggered"), EPISODE, []),
    ("taken back there", incident("triggered"), acknowledged("pagerduty"), [("taken back", "Ann", "pagerduty")]),
    ("acknowledged here, and not there", incident("triggered"), acknowledged("link"), []),
    ("resolved by a person", incident("resolved"), EPISODE, [("acknowledged", "Ann", "pagerduty-resolved")]),
    ("resolved after it was acknowledged", incident("resolved", at=-50), acknowledged("link"),
     [("acknowledged", "Ann", "pagerduty-resolved")]),
    ("it is known that it was resolved", incident("resolved"), acknowledged("pagerduty-resolved"), []),
    ("resolved by our own end", incident("resolved", by=OURS), EPISODE, []),
    ("resolved in an earlier episode", incident("resolved", at=-700), EPISODE, []),
    ("triggered again after it was resolved", incident("triggered"), acknowledged("pagerduty-resolved"), []),
])  # fmt: skip
def test_what_was_done_there_is_done_here(watched, why, there, here, done):
    import msgspec

    apply(watched, msgspec.convert(there, Incident), here, NOW)
    assert watched.did == done, why


class PagerDuty(HttpSink):
    """The REST API: pages of one incident, or what the script says."""

    def __init__(self) -> None:
        super().__init__()
        self.incidents: list[dict[str, object]] = []

    def default_for(self, request: Request) -> Reply:
        asked = parse_qs(urlsplit(request.path).query)
        at = int(asked["offset"][0])
        body = {"incidents": self.incidents[at : at + 1], "limit": 1, "offset": at, "more": at + 1 < len(self.incidents)}
        return Reply(200, json.dumps(body).encode())


@pytest.fixture
def pagerduty():
    made = PagerDuty()
    yield made
    made.stop()


def poll(pagerduty: PagerDuty, watched: Watched, episodes: list[Episode]) -> PagerDutyPoll:
    wanted = {"k": episodes} if episodes else {}
    return PagerDutyPoll("secret-api-token", f"http://{pagerduty.url}/", watched, lambda: wanted, lambda: NOW)


def test_pages_are_read_until_the_incident_of_the_key_is_found(pagerduty, watched):
    pagerduty.incidents = [incident("acknowledged", key="other"), incident("acknowledged"), incident("resolved")]
    assert poll(pagerduty, watched, [EPISODE]).ask() == 30
    assert watched.did == [("acknowledged", "Ann", "pagerduty")]
    first = pagerduty.received[0]
    assert first.headers["Authorization"] == "Token token=secret-api-token"
    assert "incident_key=k" in first.path
    assert len(pagerduty.received) == 2


def test_nothing_is_asked_while_nothing_fires(pagerduty, watched):
    poll(pagerduty, watched, []).ask()
    assert pagerduty.received == []


@pytest.mark.parametrize(("reply", "pause", "warnings"), [
    (Reply(429, b"", {"Retry-After": "90"}), 90, 0),
    (Reply(429, b"", {"Retry-After": "9000"}), 300, 0),
    (Reply(401, b"{}"), 30, 1),
    (Reply(200, b"<html>"), 30, 1),
    (Reply(500), 30, 1),
])  # fmt: skip
def test_a_refusal_changes_nothing_and_is_said_once(pagerduty, watched, caplog, reply, pause, warnings):
    pagerduty.script(reply, reply)
    asking = poll(pagerduty, watched, [EPISODE])
    assert [asking.ask(), asking.ask()] == [pause, pause]
    assert watched.did == []
    assert sum(one.name == "watchdog.app.pagerduty_poll" for one in caplog.records) == warnings
    assert "secret-api-token" not in caplog.text

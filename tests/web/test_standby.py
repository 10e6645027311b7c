"""The APIs of a replica that stands by: what is in the database is told, what only the leader knows is not made up."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest
from site_under_test import RULES, TOKEN, Site

from watchdog.app.standby import StandbyView
from watchdog.configuration.files import load_texts
from watchdog.notify.rendering import Wording
from watchdog.store.store import Store
from watchdog.web.access import Access
from watchdog.web.server import Server, application

BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def replica(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, httpx.Client]]:
    """A leader in which one source is behind, and a client of the replica beside it."""
    folder = tmp_path_factory.mktemp("standing-by")
    with Site(folder, sources=2) as leader:
        leader.breaks(leader.sources[0])
        store = Store.open(f"sqlite:///{folder}/watchdog.db", name="other")
        watched = StandbyView(store, lambda: load_texts({"rules.yaml": RULES}, {}), Wording(), every=1.0, patience=60.0,
                             clock=time.time, steady=time.monotonic)  # fmt: skip
        server = Server(application(watched, Access(TOKEN, True)), "127.0.0.1", 0)
        server.start()
        with httpx.Client(base_url="http://{}:{}".format(*server.address)) as client:
            yield leader, client
        server.stop()
        store.close()


def test_what_fires_is_told(replica: tuple[Site, httpx.Client]) -> None:
    leader, client = replica
    for path in ("/api/v2/alerts", "/api/v2/alerts/groups", "/api/watchdog/v1/episodes?firing=true"):
        assert leader.sources[0] in client.get(path).text, path
    assert client.get("/api/watchdog/v1/rules/SourceBehind").json()["last"] is None


@pytest.mark.parametrize("path", ["entities", "entities/source/x", "readings", "alerts"])
def test_readings_are_with_the_leader(replica: tuple[Site, httpx.Client], path: str) -> None:
    answer = replica[1].get(f"/api/watchdog/v1/{path}")
    assert (answer.status_code, answer.json()["error"]) == (503, "readings are with the leader, another replica")
    assert replica[1].get("/badges/x.svg").status_code == 503


def test_an_acknowledgement_and_a_silence_reach_the_leader(replica: tuple[Site, httpx.Client]) -> None:
    leader, client = replica
    episode = client.get("/api/watchdog/v1/episodes?firing=true").json()["items"][0]["id"]
    path = f"/api/watchdog/v1/episodes/{episode}"
    assert client.post(f"{path}/acknowledge", json={"author": "eva"}, headers=BEARER).json()["acknowledged"]["author"] == "eva"
    body = {"matchers": [{"name": "alertname", "value": "SourceBehind"}], "startsAt": "2026-01-01T00:00:00Z",
            "endsAt": "2099-01-01T00:00:00Z", "createdBy": "eva", "comment": ""}  # fmt: skip
    silence = client.post("/api/v2/silences", json=body, headers=BEARER).json()["silenceID"]
    with httpx.Client(base_url=leader.url) as told:
        leader.until(lambda: told.get(path).json()["held"]["silenced_by"] == [silence])
        assert "acknowledged" in {line["what"] for line in told.get(path).json()["story"]}
    client.delete(f"/api/v2/silence/{silence}", headers=BEARER)

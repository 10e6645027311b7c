"""People as the trail knows them: signed in on the pages, named by a proxy, with the token; and their sessions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from site_under_test import TOKEN, Site

PROXY = "127.0.0.9"
FORM = {"matchers": "alertname=X", "for": "2h"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("people"), sources=1, WATCHDOG_LISTEN="0.0.0.0:0", WATCHDOG_TRUSTED_PROXY=PROXY,
              WATCHDOG_USER_HEADER="X-Forwarded-User", WATCHDOG_PUBLIC_URL="https://watchdog.example") as made:  # fmt: skip
        yield made


@pytest.fixture
def client(site: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site.url.replace("0.0.0.0", "127.0.0.1")) as made:
        yield made


@pytest.fixture
def proxy(site: Site) -> Iterator[httpx.Client]:
    """What eva's browser sends, through the proxy that signed her in."""
    with ExitStack() as closing:
        headers = {"X-Forwarded-User": "eva", "X-Forwarded-For": "203.0.113.4", "Accept": "text/html"}
        url = site.url.replace("0.0.0.0", "127.0.0.1")
        yield closing.enter_context(
            httpx.Client(base_url=url, headers=headers, transport=httpx.HTTPTransport(local_address=PROXY))
        )


def trail(client: httpx.Client, action: str) -> list[tuple[str, str, str, str]]:
    found = client.get(f"/api/watchdog/v1/audit?action={action}", headers={"Authorization": f"Bearer {TOKEN}"}).json()["items"]
    return [(one["who"], one["via"], one["address"], one["subject"]) for one in found]


def test_a_session_ends_where_its_person_signs_out(client: httpx.Client) -> None:
    answer = client.post("/sign-in", data={"token": TOKEN})
    said = answer.headers["set-cookie"]
    assert all(word in said for word in ("HttpOnly", "SameSite=strict", "Secure")), "people come by https"
    cookie = {"Cookie": said.partition(";")[0]}
    assert client.get("/", headers=cookie).status_code == 200
    assert client.post("/silences", data=FORM | {"author": "max"}, headers=cookie).status_code == 303
    assert trail(client, "silence")[0] == ("max", "session", "127.0.0.1", 'made: alertname="X"')
    assert client.post("/sign-out", headers=cookie).status_code == 303
    assert client.get("/", headers=cookie).status_code == 401, "the session has ended at the server"
    assert trail(client, "sign-in")[0][1:3] == ("token", "127.0.0.1")
    assert trail(client, "sign-out")[0][1:3] == ("session", "127.0.0.1")


def test_a_person_that_the_proxy_names_may_change_and_is_the_author(client: httpx.Client, proxy: httpx.Client) -> None:
    page = proxy.get("/silences?matchers=alertname%3DX").text
    assert "as eva" in page and 'name="author"' not in page and "Sign out" not in page
    assert proxy.post("/silences", data=FORM | {"author": "somebody else"}).status_code == 303
    assert trail(client, "silence")[0] == ("eva", "proxy", "203.0.113.4", 'made: alertname="X"')
    made = client.get("/api/watchdog/v1/silences", headers={"Authorization": f"Bearer {TOKEN}"}).json()["items"]
    assert "eva" in {one["author"] for one in made} and "somebody else" not in {one["author"] for one in made}
    assert ("eva", "proxy", "203.0.113.4", "by the proxy") in trail(client, "sign-in")


def test_the_header_means_nothing_from_anybody_else(client: httpx.Client) -> None:
    assert client.get("/", headers={"X-Forwarded-User": "eva"}).status_code == 401
    assert client.post("/silences", data=FORM | {"author": "eva"}, headers={"X-Forwarded-User": "eva"}).status_code == 401
    assert client.get("/", headers={"X-Forwarded-User": "eva", "X-Forwarded-For": PROXY}).status_code == 401


def test_programs_are_in_the_trail_too(site: Site, client: httpx.Client) -> None:
    site.breaks(site.sources[0])
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    episode = client.get("/api/watchdog/v1/episodes?firing=true", headers=bearer).json()["items"][0]
    path = f"/api/watchdog/v1/episodes/{episode['id']}/acknowledge"
    assert client.post(path, json={"author": "max"}, headers=bearer).status_code == 200
    assert trail(client, "acknowledge")[0] == ("max", "token", "127.0.0.1", f"SourceBehind on {site.sources[0]}")
    body = {"matchers": [{"name": "alertname", "value": "Y"}], "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z",
            "createdBy": "karma", "comment": ""}  # fmt: skip
    made = client.post("/api/v2/silences", json=body, headers=bearer).json()["silenceID"]
    client.delete(f"/api/v2/silence/{made}", headers=bearer)
    assert [one[::3] for one in trail(client, "silence")[:2]] == [("", 'expired: alertname="Y"'), ("karma", 'made: alertname="Y"')]
    assert client.post("/-/reload", headers=bearer).status_code == 200
    site.until(lambda: ("", "token", "127.0.0.1", "3 rules") in trail(client, "reload"))

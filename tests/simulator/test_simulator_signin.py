"""Sign-in, expiry, refresh and revocation, over real HTTP."""

from __future__ import annotations

import time

import httpx
import pytest

from watchdog.errors import ConfigError
from watchdog.simulator import Simulator


@pytest.fixture
def sim(clock):
    with Simulator(clock=clock, token_ttl=100, client_id="me", secret="shh") as sim:
        yield sim


@pytest.fixture
def http(sim):
    with httpx.Client(base_url=sim.url, trust_env=False) as http:
        yield http


def sign_in(http, client_id="me", secret="shh"):
    return http.post("/auth/access-token", json={"client_id": client_id, "secret": secret})


def status(http, token):
    return http.get("/sources", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_token_is_good_until_its_time_is_over(http, clock):
    answer = sign_in(http).json()
    assert answer.keys() == {"accessToken", "refreshToken", "expires", "expiresIn"}
    assert answer["expiresIn"] == 100
    clock.to(99.9)
    assert status(http, answer["accessToken"]) == 200
    clock.to(100)
    assert status(http, answer["accessToken"]) == 401


@pytest.mark.parametrize(
    ("why", "body", "expected"),
    [
        ("a wrong secret", {"client_id": "me", "secret": "no"}, 401),
        ("somebody else", {"client_id": "you", "secret": "shh"}, 401),
        ("a field is missing", {"client_id": "me"}, 422),
        ("no object", [1], 422),
    ],
)
def test_who_is_not_known_gets_no_token(http, why, body, expected):
    answer = http.post("/auth/access-token", json=body)
    assert answer.status_code == expected, why
    assert "detail" in answer.json()


def test_a_refresh_token_is_good_once(http):
    first = sign_in(http).json()
    again = http.post("/auth/access-token/refresh", json={"refresh_token": first["refreshToken"]})
    assert status(http, again.json()["accessToken"]) == 200
    assert http.post("/auth/access-token/refresh", json={"refresh_token": first["refreshToken"]}).status_code == 401


def test_revoked_tokens_are_refused_and_new_ones_are_not(http, sim):
    token = sign_in(http).json()["accessToken"]
    sim.revoke_tokens()
    assert status(http, token) == 401
    assert status(http, sign_in(http).json()["accessToken"]) == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic bWU6c2ho"])
def test_nothing_is_told_without_a_token(http, sim, header):
    answer = http.get("/sources", headers={"Authorization": header} if header else {})
    assert (answer.status_code, answer.json()) == (401, {"detail": "Unauthorized"})
    assert [(asked.path, asked.authorized) for asked in sim.requests] == [("/sources", False)]


def test_many_start_and_stop_quickly():
    """Tests start hundreds of these; each must not cost a glance at the clock."""
    begin = time.perf_counter()
    for _ in range(5):
        with Simulator() as sim, httpx.Client(base_url=sim.url, trust_env=False) as http:
            assert sign_in(http, sim.client_id, sim.secret).status_code == 200
    assert time.perf_counter() - begin < 2.5


def test_it_comes_back_on_its_port_and_the_world_has_gone_on(clock):
    sim = Simulator(clock=clock)
    sim.start()
    url = sim.url
    sim.stop()
    with pytest.raises(httpx.ConnectError), httpx.Client(trust_env=False) as http:
        http.get(url)
    clock.to(60)
    sim.start()
    assert (sim.url, sim.now) == (url, 60)
    sim.stop()
    sim.stop()  # twice is no harm


@pytest.mark.parametrize("port", ["taken", 70_000])
def test_a_port_that_cannot_be_had_is_named(clock, port):
    with Simulator(clock=clock) as first:
        port = int(first.url.rpartition(":")[2]) if port == "taken" else port
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}"):
            Simulator(clock=clock, port=port).start()

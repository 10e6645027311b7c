"""Who may read and who may change, as tables."""

from __future__ import annotations

import base64
import logging
from ipaddress import ip_network

import pytest
from starlette.requests import Request

from watchdog.store.audit import Action, Actor, Via, entries
from watchdog.store.store import Store
from watchdog.web.access import Access, Refusal
from watchdog.web.proxy import Proxy
from watchdog.web.sessions import COOKIE

TOKEN = "s3cret-enough"
PROXY = Proxy((ip_network("10.0.0.0/24"), ip_network("fd00::5")), "x-forwarded-user")


def request(headers: dict[str, str] | list[tuple[str, str]] | None = None, address: str = "192.0.2.1", cookie: str = "") -> Request:
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
    pairs += [("cookie", f"{COOKIE}={cookie}")] if cookie else []
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs]
    return Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": raw, "client": (address, 1)})


def bearer(token: str = TOKEN) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def basic(password: str, user: str = "any") -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


READING = [
    ("open reading needs nothing", Access(TOKEN, True), {}, None),
    ("a token is needed off loopback", Access(TOKEN, False), {}, Refusal.NOT_SIGNED_IN),
    ("bearer", Access(TOKEN, False), bearer(), None),
    ("password of basic authentication", Access(TOKEN, False), basic(TOKEN), None),
    ("a wrong password", Access(TOKEN, False), basic("no"), Refusal.NOT_SIGNED_IN),
    ("what is no base64", Access(TOKEN, False), {"authorization": "Basic ???"}, Refusal.NOT_SIGNED_IN),
    ("base64 that is not ASCII", Access(TOKEN, False), {"authorization": "Basic \xe9"}, Refusal.NOT_SIGNED_IN),
    ("without a token set nobody reads off loopback", Access("", False), {}, Refusal.NO_TOKEN_SET),
]


@pytest.mark.parametrize(("why", "access", "headers", "refused"), READING, ids=[row[0] for row in READING])
def test_reading(why, access, headers, refused):
    assert access.may_read(request(headers)) is refused


CHANGING = [
    ("no token set", Access("", True), {}, Refusal.NO_TOKEN_SET),
    ("open reading changes nothing", Access(TOKEN, True), {}, Refusal.NOT_SIGNED_IN),
    ("the token", Access(TOKEN, True), {"authorization": f"bearer {TOKEN}"}, None),
    ("our own page", Access(TOKEN, True), {**bearer(), "origin": "http://w:1", "host": "w:1"}, None),
    ("another page", Access(TOKEN, True), {**bearer(), "origin": "http://x", "host": "w"}, Refusal.FOREIGN_ORIGIN),
    ("a page without origin", Access(TOKEN, True), {**bearer(), "origin": "null"}, Refusal.FOREIGN_ORIGIN),
    ("a browser that says so", Access(TOKEN, True), {**bearer(), "sec-fetch-site": "cross-site"}, Refusal.FOREIGN_ORIGIN),
]


@pytest.mark.parametrize(("why", "access", "headers", "refused"), CHANGING, ids=[row[0] for row in CHANGING])
def test_changing(why, access, headers, refused):
    assert access.may_change(request(headers)) is refused


EVA = {"X-Forwarded-User": "eva"}
PROXIED = [
    ("the proxy names somebody", EVA, "10.0.0.7", "eva"),
    ("over IPv6", EVA, "fd00::5", "eva"),
    ("an IPv4 address on an IPv6 socket", EVA, "::ffff:10.0.0.7", "eva"),
    ("a name in UTF-8", {"X-Forwarded-User": "é".encode().decode("latin-1")}, "10.0.0.7", "é"),
    ("another address sends the header", EVA, "192.0.2.1", ""),
    ("loopback is not trusted by itself", EVA, "127.0.0.1", ""),
    ("the proxy sends an empty name", {"X-Forwarded-User": " "}, "10.0.0.7", ""),
    ("a client adds the header as well", [*EVA.items(), ("X-Forwarded-User", "max")], "10.0.0.7", ""),
    ("a control character", {"X-Forwarded-User": "e\x01va"}, "10.0.0.7", ""),
    ("no address at all", EVA, "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("why", "headers", "address", "who"), PROXIED, ids=[row[0] for row in PROXIED])
def test_the_name_that_a_trusted_proxy_gives_counts(why, headers, address, who):
    access = Access(TOKEN, False, proxy=PROXY)
    asked = request(headers, address)
    refused = None if who else Refusal.NOT_SIGNED_IN
    assert (access.may_read(asked), access.may_change(asked)) == (refused, refused)
    assert access.actor(asked).who == who
    foreign = dict(headers) | {"Origin": "https://evil.example"}
    assert access.may_change(request(foreign, address)) is Refusal.FOREIGN_ORIGIN


def test_without_a_token_only_people_of_the_proxy_may_change():
    access = Access("", False, proxy=PROXY)
    assert access.may_change(request(EVA, "10.0.0.7")) is None
    assert access.may_change(request(bearer(""), "10.0.0.7")) is Refusal.NOT_SIGNED_IN
    assert access.sign_in(request(), "") is Refusal.NO_TOKEN_SET


FORWARDED = [
    ("no proxy", "192.0.2.1", "198.51.100.9", "192.0.2.1"),
    ("the proxy says who", "10.0.0.7", "198.51.100.9", "198.51.100.9"),
    ("what a client wrote itself does not count", "10.0.0.7", "1.1.1.1, 198.51.100.9", "198.51.100.9"),
    ("two proxies in a row", "10.0.0.7", "198.51.100.9, 10.0.0.8", "198.51.100.9"),
    ("nonsense", "10.0.0.7", "1.1.1.1, unknown", "10.0.0.7"),
    ("only proxies", "10.0.0.7", "10.0.0.8", "10.0.0.7"),
]


@pytest.mark.parametrize(("why", "peer", "said", "address"), FORWARDED, ids=[row[0] for row in FORWARDED])
def test_the_address_of_a_client_behind_the_proxy(why, peer, said, address):
    assert PROXY.address(request({"X-Forwarded-For": said}, peer)) == address


def test_a_session_lasts_twelve_hours_and_cannot_be_forged():
    now = [0.0]
    access = Access(TOKEN, False, clock=lambda: now[0])
    session = access.sign_in(request(), TOKEN)
    assert isinstance(session, str)
    assert access.may_read(request(cookie=session)) is None
    assert access.may_read(request(cookie=session[:-1] + "_")) is Refusal.NOT_SIGNED_IN
    now[0] = 12 * 3600.0 + 1
    assert access.may_read(request(cookie=session)) is Refusal.NOT_SIGNED_IN


def test_a_session_ends_at_the_server_on_every_replica(tmp_path):
    now = [0.0]
    url = f"sqlite:///{tmp_path}/watchdog.db"
    store, other = Store.open(url), Store.open(url)
    access, beside = (Access(TOKEN, False, clock=lambda: now[0], store=one) for one in (store, other))
    session = access.sign_in(request(), TOKEN)
    assert beside.may_read(request(cookie=session)) is None
    again = Access(TOKEN, False, clock=lambda: now[0], store=store)
    assert again.may_read(request(cookie=session)) is None, "a restart ends no session"
    rotated = Access(TOKEN + "2", False, clock=lambda: now[0], store=store)
    assert rotated.may_read(request(cookie=session)) is Refusal.NOT_SIGNED_IN, "another token ends all"
    access.sign_out(request(cookie=session))
    assert access.may_read(request(cookie=session)) is Refusal.NOT_SIGNED_IN
    now[0] = 3.0
    assert beside.may_read(request(cookie=session)) is Refusal.NOT_SIGNED_IN
    assert [(one.action, one.actor) for one in entries(store)] == [
        (Action.SIGN_OUT, Actor("", Via.SESSION, "192.0.2.1")), (Action.SIGN_IN, Actor("", Via.TOKEN, "192.0.2.1"))]  # fmt: skip
    store.close(), other.close()


def test_a_person_of_the_proxy_is_recorded_once_in_twelve_hours():
    now, store = [0.0], Store.in_memory()
    access = Access(TOKEN, True, clock=lambda: now[0], store=store, proxy=PROXY)
    for at in (0.0, 60.0, 13 * 3600.0):
        now[0] = at
        assert access.may_change(request(EVA, "10.0.0.7")) is None
    assert [(one.at, one.actor) for one in entries(store)] == [(at, Actor("eva", Via.PROXY, "10.0.0.7")) for at in (13 * 3600.0, 0.0)]
    store.close()


def test_a_wrong_token_counts_once_however_often_a_page_asks():
    access = Access(TOKEN, False)
    asked = request(bearer("no"))
    for _ in range(3):
        access.may_read(asked), access.may_change(asked)
    assert access.refusals.last_minute() == 1


def test_refusals_are_logged_and_recorded_once_a_minute_with_their_addresses(caplog):
    caplog.set_level(logging.WARNING)
    store = Store.in_memory()
    access = Access(TOKEN, False, store=store)
    for address, times in (("192.0.2.1", 3), ("192.0.2.2", 1)):
        for _ in range(times):
            access.may_read(request(bearer("no"), address))
    access.report_refusals()
    access.may_read(request(bearer("no")))
    access.report_refusals()  # the minute is not over
    (logged,) = [one for one in caplog.records if one.levelname == "WARNING"]
    assert (logged.refused, logged.addresses) == (4, "192.0.2.1 (3), 192.0.2.2 (1)")
    assert [(one.actor.address, one.subject) for one in entries(store, action=Action.REFUSAL)] == [
        ("192.0.2.2", "1 wrong tokens or signatures"), ("192.0.2.1", "3 wrong tokens or signatures")]  # fmt: skip
    store.close()

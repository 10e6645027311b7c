"""Who may read and who may change, as tables."""

from __future__ import annotations

import base64

import pytest

from watchdog.web.access import COOKIE, Access, Refusal

TOKEN = "s3cret"


def basic(password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"any:{password}".encode()).decode()}


READING = [
    ("open reading needs nothing", Access(TOKEN, True), {}, None),
    ("a token is needed off loopback", Access(TOKEN, False), {}, Refusal.NOT_SIGNED_IN),
    ("bearer", Access(TOKEN, False), {"authorization": f"Bearer {TOKEN}"}, None),
    ("password of basic authentication", Access(TOKEN, False), basic(TOKEN), None),
    ("a wrong password", Access(TOKEN, False), basic("no"), Refusal.NOT_SIGNED_IN),
    ("what is no base64", Access(TOKEN, False), {"authorization": "Basic ???"}, Refusal.NOT_SIGNED_IN),
    ("without a token set nobody reads off loopback", Access("", False), {}, Refusal.NO_TOKEN_SET),
]


@pytest.mark.parametrize(("why", "access", "headers", "refused"), READING, ids=[row[0] for row in READING])
def test_reading(why, access, headers, refused):
    assert access.may_read(headers, {}) is refused


CHANGING = [
    ("no token set", Access("", True), {}, Refusal.NO_TOKEN_SET),
    ("open reading changes nothing", Access(TOKEN, True), {}, Refusal.NOT_SIGNED_IN),
    ("the token", Access(TOKEN, True), {"authorization": f"bearer {TOKEN}"}, None),
    ("our own page", Access(TOKEN, True), {"authorization": f"Bearer {TOKEN}", "origin": "http://w:1", "host": "w:1"}, None),
    ("another page", Access(TOKEN, True), {"authorization": f"Bearer {TOKEN}", "origin": "http://x", "host": "w"}, Refusal.FOREIGN_ORIGIN),
    ("a page without origin", Access(TOKEN, True), {"authorization": f"Bearer {TOKEN}", "origin": "null"}, Refusal.FOREIGN_ORIGIN),
    ("a browser that says so", Access(TOKEN, True), {"authorization": f"Bearer {TOKEN}", "sec-fetch-site": "cross-site"}, Refusal.FOREIGN_ORIGIN),
]


@pytest.mark.parametrize(("why", "access", "headers", "refused"), CHANGING, ids=[row[0] for row in CHANGING])
def test_changing(why, access, headers, refused):
    assert access.may_change(headers, {}) is refused


def test_a_session_lasts_twelve_hours_and_cannot_be_forged():
    now = [0.0]
    access = Access(TOKEN, False, clock=lambda: now[0])
    session = access.sign_in(TOKEN)
    assert isinstance(session, str)
    assert access.may_read({}, {COOKIE: session}) is None
    assert access.may_read({}, {COOKIE: "99999999." + session.partition(".")[2]}) is Refusal.NOT_SIGNED_IN
    now[0] = 12 * 3600.0 + 1
    assert access.may_read({}, {COOKIE: session}) is Refusal.NOT_SIGNED_IN


def test_guessing_is_slowed_down_and_who_has_the_token_is_not():
    now = [0.0]
    access = Access(TOKEN, False, clock=lambda: now[0])
    refused = [access.may_read({"authorization": "Bearer no"}, {}) for _ in range(7)]
    assert refused == [Refusal.NOT_SIGNED_IN] * 5 + [Refusal.SLOW_DOWN] * 2
    assert access.may_read({"authorization": f"Bearer {TOKEN}"}, {}) is None
    now[0] = 61.0
    assert access.may_read({"authorization": "Bearer no"}, {}) is Refusal.NOT_SIGNED_IN

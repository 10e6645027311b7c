"""Guessing: who waits, who does not, and what is remembered of it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from site_under_test import Site

from watchdog.web.refusals import Refusals

EVE, BOB = "192.0.2.66", "198.51.100.9"


class Gate(Refusals):
    """Refusals on a hand-moved clock. `guess` is one wrong token: whether it was looked at."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(lambda: self.now)

    def guess(self, address: str, times: int = 1) -> int:
        seen = 0
        for _ in range(times):
            seen += self.may_try(address)
            self.refused(address)
        return seen


@pytest.fixture
def gate() -> Gate:
    return Gate()


def test_an_address_that_guesses_has_one_try_a_second(gate: Gate) -> None:
    assert not gate.slowed(EVE)
    assert gate.guess(EVE, 5) == 5
    assert gate.slowed(EVE)
    assert gate.guess(EVE, 300) == 1
    gate.now += 1.0
    assert gate.guess(EVE, 300) == 1


def test_others_are_not_slowed(gate: Gate) -> None:
    gate.guess(EVE, 50)
    assert not gate.slowed(BOB) and gate.may_try(BOB)


def test_after_a_quiet_minute_it_begins_anew(gate: Gate) -> None:
    gate.guess(EVE, 50)
    gate.now += 61.0
    assert not gate.slowed(EVE)
    assert gate.last_minute() == 0


def test_tokens_of_an_address_that_sent_the_right_one_before_are_always_checked(gate: Gate) -> None:
    gate.accepted(BOB)
    gate.guess(BOB, 50)
    assert gate.slowed(BOB) and gate.may_try(BOB), "another client guesses from the same address"


def test_many_addresses_together_are_slowed_and_new_ones_are_still_checked(gate: Gate) -> None:
    gate.accepted(BOB)
    addresses = [f"203.0.113.{n}" for n in range(60)]
    assert sum(gate.guess(one, 2) for one in addresses) < 120, "each had one, and some a second"
    assert all(gate.slowed(one) for one in addresses)
    seen = sum(gate.guess(one) for one in addresses)
    assert seen <= 1, "all together have one try in a tenth of a second"
    assert gate.slowed("192.0.2.99") and gate.may_try("192.0.2.99"), "a new address waits, and its token is checked"
    assert not gate.slowed(BOB)


def test_the_neighbours_of_one_ipv6_network_are_one_client(gate: Gate) -> None:
    for n in range(5):
        gate.guess(f"2001:db8:0:1::{n:x}")
    assert gate.slowed("2001:db8:0:1:ffff::1")
    assert not gate.slowed("2001:db8:0:2::1")


def test_the_last_minute_is_counted(gate: Gate) -> None:
    gate.guess(EVE, 3)
    gate.now = 30.0
    gate.guess(BOB, 2)
    assert gate.last_minute() == 5
    gate.now = 61.0
    assert gate.last_minute() == 2


def test_a_report_names_the_addresses_once_a_minute(gate: Gate) -> None:
    assert gate.report() is None
    gate.guess(EVE, 30)
    first = gate.report()
    assert first is not None and (first.count, str(first)) == (30, f"{EVE} (30)")
    for n in range(25):
        gate.guess(f"203.0.113.{n}")
    gate.now = 59.0
    assert gate.report() is None
    gate.now = 60.0
    later = gate.report()
    assert later is not None and later.count == 25 and str(later).endswith("and 5 more")


def test_tries_of_one_address_wait_for_each_other_and_the_sign_in_page_does_not(site: Site) -> None:
    """Seven guesses at once: the first five are free, the others wait one and two seconds."""
    def guess(path: str) -> tuple[int, float]:
        began = time.monotonic()
        status = httpx.post(f"{site.url}{path}", data={"token": "wrong"}).status_code
        return status, time.monotonic() - began

    assert [guess("/sign-in")[0] for _ in range(5)] == [401] * 5
    with ThreadPoolExecutor(2) as both:
        taken = sorted(both.map(guess, ["/sign-in"] * 2), key=lambda one: one[1])
    assert [status for status, _ in taken] == [401, 401]
    assert 1.0 <= taken[0][1] < 2.0 <= taken[1][1] < 3.0
    began = time.monotonic()
    assert httpx.get(f"{site.url}/sign-in").status_code == 200
    assert time.monotonic() - began < 0.9
    site.until(lambda: "watchdog_web_refusals 7.0" in httpx.get(f"{site.url}/metrics").text)


def test_strangers_do_not_fill_the_memory(gate: Gate) -> None:
    for n in range(30_000):
        gate.refused(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
    assert len(gate._clients) <= 10_000
    report = gate.report()
    assert report is not None and report.count == 30_000

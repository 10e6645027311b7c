"""The dead man's switch: where it is sent, and that it holds up nothing."""

from __future__ import annotations

import threading

import httpx
import pytest

from watchdog.app.heartbeat import Heartbeat, failing


@pytest.mark.parametrize(
    ("url", "fail"),
    [
        ("https://hc.example/ping/1", "https://hc.example/ping/1/fail"),
        ("https://hc.example/ping/1/", "https://hc.example/ping/1/fail"),
        ("https://hc.example/ping?key=1", "https://hc.example/ping/fail?key=1"),
    ],
)
def test_the_address_that_says_not_well(url: str, fail: str) -> None:
    assert failing(url) == fail


def test_beats_say_how_the_cycle_went() -> None:
    seen: list[str] = []
    arrived = threading.Semaphore(0)

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        arrived.release()
        return httpx.Response(500 if len(seen) == 1 else 200)  # a refusal ends nothing

    heartbeat = Heartbeat("https://hc.example/ping", httpx.MockTransport(answer))
    for well in (True, False, True):
        heartbeat.beat(well=well)
        assert arrived.acquire(timeout=5)
    heartbeat.stop()
    assert seen == ["/ping", "/ping/fail", "/ping"]

"""A simulated Streamkap on a hand-moved clock, polled as the service polls it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from watchdog.simulator import Simulator, parse_scenario
from watchdog.streamkap.client import StreamkapClient
from watchdog.streamkap.poll import Poller, StreamkapPoll
from watchdog.streamkap.signin import Credentials

_START = 1_767_603_600.0  # 2026-01-05 09:00:00 UTC


def _polled(scenario: str, every: float, hours: float) -> list[StreamkapPoll]:
    now = _START
    with Simulator(scenario=parse_scenario(scenario), clock=lambda: now) as streamkap:
        credentials = Credentials(streamkap.client_id, streamkap.secret)
        with StreamkapClient(streamkap.url, credentials, clock=lambda: now, pause=lambda seconds: None) as client:
            poller = Poller(client, listing_every=5 * every)
            polls = []
            while now <= _START + hours * 3600:
                polls.append(poller.poll(now))
                now += every
    return polls


@pytest.fixture(scope="session")
def polled() -> Callable[[str, float, float], list[StreamkapPoll]]:
    """`polled(scenario, seconds between polls, hours)`: what the service would have seen."""
    return _polled

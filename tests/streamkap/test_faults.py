"""Every fault of the API, over real HTTP: it darkens exactly those it concerns, becomes no reading, and passes without trace."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from watchdog.readings.fleet import Entity, EntityKey, Fleet, Kind
from watchdog.simulator import Simulator
from watchdog.streamkap.client import StreamkapClient
from watchdog.streamkap.poll import Poller, StreamkapPoll
from watchdog.streamkap.signin import Credentials

NOW, TIMEOUT = 1_924_938_000.0, 0.5
ASKED = (Kind.SOURCE, Kind.DESTINATION, Kind.PIPELINE, Kind.TRANSFORM)
FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("status", {"status": 500, "detail": "boom"}), ("status", {"status": 503, "body": "html"}), ("status", {"status": 403}),
    ("status", {"status": 429, "retry_after": 60}), ("drip", {"delay": 0.2}), ("hang", {}), ("reset", {}), ("truncate", {}),
    ("enormous", {"size": 4 * 2**20}), ("empty", {}), ("malformed", {}), ("html", {}),
    ("redirect", {"location": "http://127.0.0.1:1"}),
]  # fmt: skip


class Story:
    """One account on a clock moved by hand, and the fleet its polls have listed."""

    def __init__(self, sim: Simulator, poller: Poller, move: Callable[[], float]) -> None:
        self.sim, self.poller, self._move = sim, poller, move
        self.known: dict[EntityKey, Entity] = {}

    def poll(self) -> tuple[StreamkapPoll, Fleet, set[Kind]]:
        """A poll half a minute later, the fleet as of then, and the kinds that are in the dark: as a whole, or not at all."""
        poll = self.poller.poll(self._move())
        if poll.listing is not None:
            self.known.update({entity.key: entity for entity in poll.listing.entities})
        fleet = Fleet.of(self.known.values(), poll.at)
        snapshot = poll.snapshot(fleet)
        dark = {kind: snapshot.unobserved(kind) for kind in ASKED}
        assert all(flags.all() == flags.any() for flags in dark.values())
        return poll, fleet, {kind for kind, flags in dark.items() if flags.any()}


@pytest.fixture(scope="module")
def story() -> Any:
    clock = [NOW]

    def move() -> float:
        clock[0] += 30
        return clock[0]

    with Simulator(sources=12, clock=lambda: clock[0]) as sim:
        client = StreamkapClient(
            sim.url, Credentials(sim.client_id, sim.secret), timeout=TIMEOUT, max_body=2**20, pause=lambda seconds: None
        )
        with client:
            yield Story(sim, Poller(client), move)


@pytest.mark.parametrize(("kind", "options"), FAULTS, ids=str)
def test_a_fault_darkens_whom_it_concerns_and_no_one_else(story: Story, kind: str, options: dict[str, Any]) -> None:
    poll, _, dark = story.poll()
    assert (dark, bool(poll.failures)) == (set(), False)
    for path, concerned in (("/sources/metrics", {Kind.SOURCE}), ("*", set(ASKED))):
        story.sim.fail(path, kind=kind, **options)
        began = time.monotonic()
        poll, fleet, dark = story.poll()
        assert time.monotonic() - began < 2 * TIMEOUT + 1.0
        story.sim.faults.clear()
        assert dark == concerned
        assert poll.failures
        snapshot = poll.snapshot(fleet)
        assert np.isnan(snapshot.column(Kind.SOURCE, "StreamingMilliSecondsBehindSource").numbers).all()
        tasks = snapshot.unobserved(Kind.TASK)
        of_sources = [entity.connector is not None and entity.connector.kind is Kind.SOURCE for entity in fleet.table(Kind.TASK).entities]
        assert tasks[of_sources].all()
        assert tasks.all() == (concerned == set(ASKED))
    poll, _, dark = story.poll()
    assert (dark, bool(poll.failures)) == (set(), False)


def test_slow_answers_and_odd_content_types_are_answers(story: Story) -> None:
    story.poll()
    for kind, options in (("slow", {"delay": 0.1}), ("content_type", {})):
        story.sim.fail("*", kind=kind, **options)
        poll, _, dark = story.poll()
        story.sim.faults.clear()
        assert (dark, bool(poll.failures)) == (set(), False), kind


def test_entities_missing_from_a_good_answer_are_observed(story: Story) -> None:
    story.poll()
    story.sim.fail("/sources*metrics", kind="missing")
    poll, fleet, dark = story.poll()
    story.sim.faults.clear()
    assert (dark, bool(poll.failures)) == (set(), False)
    assert 0 < np.isnan(poll.answered(fleet)[Kind.SOURCE]).sum() < len(fleet.table(Kind.SOURCE))


def test_revoked_tokens_are_renewed_within_the_poll(story: Story) -> None:
    story.poll()
    story.sim.revoke_tokens()
    poll, _, dark = story.poll()
    assert (dark, bool(poll.failures)) == (set(), False)

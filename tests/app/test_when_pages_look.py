"""The desk: when pages may look again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest

from watchdog.app.engine_store import EngineStore
from watchdog.configuration.files import load_texts
from watchdog.cycle.engine import Engine
from watchdog.cycle.state import Changes, Saved
from watchdog.delivery.sender import Carrier
from watchdog.errors import StoreError
from watchdog.notify.rendering import Wording
from watchdog.readings import packing
from watchdog.readings.fleet import Kind
from watchdog.store.store import Store
from watchdog.streamkap.decode import Layers
from watchdog.streamkap.poll import StreamkapPoll, Unobserved

KINDS = (Kind.SOURCE, Kind.DESTINATION, Kind.PIPELINE, Kind.TRANSFORM)
AT = 1_767_600_000.0
OWN = {"polls_missed": 0.0, "cycle_seconds": 0.0, "rules_invalid": 0.0}


class Meanwhile(Store):
    """Does something while it commits."""

    does: Callable[[], None]

    def commit(
        self, changes: Changes, windows: Sequence[packing.Saved] = (), rosters: Sequence[packing.Roster] = ()
    ) -> None:
        self.does()
        super().commit(changes, windows, rosters)


def unwritable() -> None:
    raise StoreError("the disk is full")


def _carrier(target: str) -> Carrier:
    raise AssertionError(f"{target}: nothing is sent here")


@pytest.mark.parametrize(("why", "written"), [("what was decided is kept", True), ("it cannot be kept", False)])
def test_pages_are_told_to_look_again_after_a_cycle_is_kept_and_not_while_it_is_written(why: str, written: bool) -> None:
    policy = load_texts({"rules.yaml": "rules: [{alert: A, each: watchdog, expr: poll_age >= 0s}]"}, {})
    engine = Engine(policy, Saved(), start=AT, every=30.0, wording=Wording(), name="watchdog")
    store = Meanwhile.in_memory()
    assert isinstance(store, Meanwhile)
    engine_store = EngineStore(engine, store, clock=lambda: AT, open_carrier=_carrier)
    seen = []

    def look() -> None:
        seen.append(engine_store.version)
        if not written:
            unwritable()

    store.does = look
    with suppress(StoreError):
        engine_store.judge(StreamkapPoll(AT, Layers(AT, {}), dict.fromkeys(KINDS, Unobserved())), OWN)
    assert seen == [0], "a page made meanwhile would show what was kept until now, and be taken for the new one"
    assert engine_store.version == 1
    store.close()

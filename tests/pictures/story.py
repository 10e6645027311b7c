"""A story: a few entities, their readings minute by minute, and the service's own cycle on a clock moved by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from watchdog.app.engine_store import EngineStore
from watchdog.app.startup import Known
from watchdog.configuration.places import Place
from watchdog.cycle.engine import Engine
from watchdog.cycle.policy import Policy
from watchdog.delivery.sender import Sender
from watchdog.notify.rendering import Links, Wording
from watchdog.settings import Settings
from watchdog.store.store import Store
from watchdog.trials.cases import Case
from watchdog.trials.series import parse_series
from watchdog.trials.test_entities import ENTITY_KINDS, Described, populate
from watchdog.trials.world import World

MINUTE = 60.0
#: Three in the morning, on a Tuesday.
NIGHT = datetime(2026, 1, 6, 2, 40, tzinfo=UTC).timestamp()
_NOWHERE = Place("story", 1, 1)

Entities = Sequence[Mapping[str, str | tuple[str, ...]]]
Readings = Mapping[tuple[str, str], str]


class Story:
    """Polls every minute; messages leave through the courier and the real carriers."""

    def __init__(self, policy: Policy, entities: Entities, readings: Readings, *, start: float = NIGHT) -> None:
        made = populate([_described(one) for one in entities], [])
        case = Case("story", _NOWHERE, policy, start=start, entities=made)
        self._keys = {f"{one.key.kind}/{one.name}": one.key for one in made}
        for (entity, metric), series in readings.items():
            case.readings.setdefault(self._keys[entity], {})[metric] = parse_series(series)
        self.now = start
        self._world = World(case)
        self._start = start
        self._entity_url = Settings.model_fields["watchdog_entity_url"].default
        wording = Wording(Links("https://watchdog.example.com", self._entity_url), "watchdog-1")
        self._engine = Engine(
            policy, Store.in_memory().load(), start=start, every=MINUTE, wording=wording, name="watchdog"
        )
        carriers = Known(lambda: policy, lambda: ())
        self._engine_store = EngineStore(
            self._engine, Store.in_memory(), clock=lambda: self.now, open_carrier=carriers.open, label=carriers.label
        )
        self._sender = Sender(self._engine_store)
        self._next_poll = start

    def until(self, minutes: float) -> None:
        """Let the time pass, to so many minutes after the beginning; everything that is due is sent on its way."""
        end = self._start + minutes * MINUTE
        while self.now < end:
            self._step()
            deadline = self._engine_store.next_deadline() or end
            self.now = min(end, self._next_poll, max(deadline, self.now + 0.5))
        self._step()

    def until_told(self, arrived: Callable[[], bool], *, within: float) -> None:
        """Until something has arrived, at most `within` minutes from now."""
        end = self.now + within * MINUTE
        while not arrived():
            if self.now > end:
                raise AssertionError(f"nothing arrived within {within} minutes")
            self.until((self.now - self._start) / MINUTE + 0.5)

    def change(self, entity: str, metric: str, series: str) -> None:
        """From the next poll on the entity reads like this."""
        case = self._world.case
        index = round((self._next_poll - self._start) / MINUTE)
        values = case.readings[self._keys[entity]].setdefault(metric, [])
        del values[index:]
        values += [None] * (index - len(values)) + parse_series(series)

    def _step(self) -> None:
        if self.now >= self._next_poll:
            self._engine_store.judge(self._world.poll(self.now - self._start), {})
            self._next_poll += MINUTE
        self._engine_store.tick()
        self._sender.wake(self._engine_store.waiting_targets())
        while not self._sender.idle():
            time.sleep(0.002)


def _described(one: Mapping[str, str | tuple[str, ...]]) -> Described:
    kind = next(kind for kind in ENTITY_KINDS if str(kind) in one)
    return kind, str(one[str(kind)]), dict(one), _NOWHERE

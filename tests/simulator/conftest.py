"""A clock moved by hand, simulators that stop when a test ends, and sessions that are signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from watchdog.simulator import Simulator

START = 1_900_000_000.0


@dataclass
class Clock:
    now: float = START

    def __call__(self) -> float:
        return self.now

    def to(self, seconds: float) -> None:
        """So many seconds after the beginning."""
        self.now = START + seconds


@dataclass
class Account:
    """A running simulator, and a session that asks it."""

    sim: Simulator
    http: httpx.Client
    clock: Clock

    def id(self, entity: str) -> str:
        return self.sim.find(entity).id

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any, **query: Any) -> Any:
        answer = self.http.post(path, json=body, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def source(self, name: str) -> Any:
        """What the documented endpoint tells about one source."""
        return self.get(f"/sources/{self.id(f'source/{name}')}/metrics", time_type="latest")["data"]

    def destination(self, name: str) -> Any:
        return self.get(f"/destinations/{self.id(f'destination/{name}')}/metrics", time_type="latest")["data"]

    def pipeline(self, name: str) -> Any:
        return self.get(f"/pipelines/{self.id(f'pipeline/{name}')}/metrics")["data"]

    def listed(self, path: str, name: str) -> Any:
        """The item with this name in a listing."""
        return next(item for item in self.get(path, page_size=100)["result"] if item["name"] == name)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def account(clock: Clock) -> Iterator[Callable[..., Account]]:
    """Starts a simulator on the clock moved by hand."""
    with ExitStack() as stack:

        def start(**how: Any) -> Account:
            sim = stack.enter_context(Simulator(clock=clock, **how))
            headers = {"Authorization": f"Bearer {sim.issue_token(1e9)}"}
            # Loading the machine's certificates would take longer than everything else here.
            client = httpx.Client(base_url=sim.url, headers=headers, trust_env=False, verify=False)
            http = stack.enter_context(client)
            return Account(sim, http, clock)

        yield start

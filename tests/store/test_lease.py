"""One leads: the lock of a SQLite file, the lease on PostgreSQL, and what a leader that was replaced can still do."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from watchdog.alerts.episodes import Acknowledgement
from watchdog.cycle.state import Changes
from watchdog.errors import FencedError, StoreError
from watchdog.store.database import Database
from watchdog.store.lease import Leadership, Lease
from watchdog.store.store import Store

CHANGES = Changes(documents={"cycle": "{}"})

#: Leads until it is killed; says so first.
HOLDER = """
import sys, threading
from watchdog.store.store import Store
store = Store.open(sys.argv[1], name="night shift")
lead = store.lead(float(sys.argv[2]))
lead.start()
print("leading" if lead.leading else "standing by", flush=True)
threading.Event().wait()
"""


@pytest.fixture
def holder() -> Callable[[str, float], subprocess.Popen[str]]:
    def start(url: str, every: float) -> subprocess.Popen[str]:
        process = subprocess.Popen([sys.executable, "-c", HOLDER, url, str(every)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "leading\n"
        return process

    return start


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def _lease(store: Store, every: float, clock: Clock) -> Lease:
    """A lease that is held by hand."""
    lease = store.lead(every, clock=clock)
    assert isinstance(lease, Lease)
    return lease


def _run_out(url: str) -> None:
    """As if the database's clock had passed the end of the lease."""
    database = Database(url)
    with database.writing() as connection:
        connection.execute(text("UPDATE leases SET until = 0"))
    database.close()


# -- SQLite


def test_a_second_service_on_the_same_file_is_told_who_holds_it(
    sqlite: str, opened: Callable[..., Store], holder: Callable[[str, float], subprocess.Popen[str]]
) -> None:
    process = holder(sqlite, 1.0)
    second = opened(sqlite, name="second")
    with pytest.raises(StoreError, match=f"in use by watchdog 'night shift' .process {process.pid} on .*, since 20"):
        second.lead(1.0).start()
    assert not second.put_ack("none", Acknowledgement(1.0, "eva")), "commands use the file beside the service"
    assert second.load().alerts == {}
    _kill(process)
    third = opened(sqlite, name="third").lead(1.0)
    third.start()
    assert third.leading
    assert third.may_send()


def test_the_lock_is_given_back(sqlite: str, opened: Callable[..., Store], tmp_path: Path) -> None:
    first = opened(sqlite, name="first")
    first.lead(1.0).start()
    assert (tmp_path / "watchdog.db.lock").exists()
    first.close()
    second = opened(sqlite, name="second").lead(1.0)
    second.start()
    assert second.leading


def test_a_database_in_memory_has_one_leader_by_nature() -> None:
    store = Store.in_memory()
    lead: Leadership = store.lead(30.0)
    lead.start()
    store.commit(CHANGES)
    assert (lead.leading, lead.may_send(), lead.lost) == (True, True, False)
    store.close()


# -- PostgreSQL, on clocks that are moved by hand and never agree


@pytest.fixture
def two(postgresql: str, opened: Callable[..., Store]) -> tuple[Store, Lease, Clock, Store, Lease, Clock]:
    first, second = opened(postgresql, name="first"), opened(postgresql, name="second")
    one, other = Clock(1000.0), Clock(9e9)
    with first._database.writing() as connection:
        connection.execute(text("INSERT INTO leases VALUES (1, 0, '', 0)"))
    return first, _lease(first, 30.0, one), one, second, _lease(second, 30.0, other), other


def test_one_leads_and_the_other_stands_by(two: tuple[Store, Lease, Clock, Store, Lease, Clock]) -> None:
    first, lease, _, second, standby, _ = two
    assert lease.hold()
    assert not standby.hold()
    assert (lease.may_send(), standby.may_send()) == (True, False)
    first.commit(CHANGES)
    with pytest.raises(FencedError, match="'second' does not lead"):
        second.commit(CHANGES)
    with pytest.raises(FencedError):
        second.prune(1.0)
    assert second.load().documents == {"cycle": "{}"}, "who stands by can read"


def test_a_leader_stops_sending_before_another_may_begin(two: tuple[Store, Lease, Clock, Store, Lease, Clock]) -> None:
    first, lease, clock, _, _, _ = two
    lease.hold()
    clock.now += lease.lasts * 0.8
    assert lease.may_send()
    clock.now += lease.lasts * 0.15
    assert not lease.may_send(), "cut off: 95 % of its time have passed by its own clock"
    first.commit(CHANGES)  # nobody has begun to lead instead
    assert lease.hold()
    assert lease.may_send()


def test_a_leader_that_was_replaced_cannot_write_nor_send_ever_again(
    two: tuple[Store, Lease, Clock, Store, Lease, Clock], postgresql: str, opened: Callable[..., Store]
) -> None:
    first, lease, _, second, standby, _ = two
    lease.hold()
    _run_out(postgresql)
    assert standby.hold()
    assert lease.leading, "it has not heard yet"
    with pytest.raises(FencedError, match="another replica leads instead of 'first'"):
        first.commit(Changes(documents={"cycle": "late"}))
    with pytest.raises(FencedError):
        first.save_configuration("late", {}, 1.0)
    assert (lease.leading, lease.lost, lease.may_send()) == (False, True, False)
    second.commit(CHANGES)
    _run_out(postgresql)
    assert not lease.hold(), "what it knows is old: it has to begin anew"
    again = _lease(opened(postgresql, name="first"), 30.0, Clock(5.0))
    assert again.hold()
    assert (standby.hold(), standby.lost) == (False, True)


def test_renewing_late_is_fine_while_nobody_else_leads(
    two: tuple[Store, Lease, Clock, Store, Lease, Clock], postgresql: str
) -> None:
    _, lease, _, _, _, _ = two
    lease.hold()
    epoch = lease.epoch
    _run_out(postgresql)
    assert lease.hold()
    assert lease.epoch == epoch


def test_nobody_takes_over_in_the_middle_of_a_transaction(
    two: tuple[Store, Lease, Clock, Store, Lease, Clock], postgresql: str
) -> None:
    first, lease, _, _, standby, _ = two
    lease.hold()
    _run_out(postgresql)
    taken: list[bool] = []
    thread = threading.Thread(target=lambda: taken.append(standby.hold()))
    with first.deciding() as connection:
        thread.start()
        thread.join(0.3)
        assert thread.is_alive(), "it waits for the transaction"
        connection.execute(text("INSERT INTO documents VALUES ('cycle', 'in time')"))
    thread.join(10)
    assert taken == [True]
    assert first.load().documents == {"cycle": "in time"}


def test_who_stops_lets_another_lead_at_once(two: tuple[Store, Lease, Clock, Store, Lease, Clock]) -> None:
    first, lease, _, _, standby, _ = two
    lease.hold()
    first.close()
    assert (lease.leading, lease.may_send()) == (False, False)
    assert standby.hold()


def test_who_is_cut_off_ends_without_waiting_for_the_database(
    two: tuple[Store, Lease, Clock, Store, Lease, Clock], postgresql: str
) -> None:
    first, lease, clock, _, _, _ = two
    lease.hold()
    clock.now += lease.lasts
    database = Database(postgresql)
    began = time.monotonic()
    with database.writing() as connection:
        connection.execute(text("SELECT * FROM leases FOR UPDATE"))  # it answers nobody
        first.close()
        assert time.monotonic() - began < 2.0
    database.close()


def test_a_killed_leader_is_replaced_within_two_polls(
    postgresql: str, opened: Callable[..., Store], holder: Callable[[str, float], subprocess.Popen[str]]
) -> None:
    every = 1.0
    process = holder(postgresql, every)
    lead = opened(postgresql, name="second").lead(every)
    lead.start()
    assert not lead.leading
    began = time.monotonic()
    _kill(process)
    waiting = threading.Event()
    while not lead.leading and time.monotonic() - began < 30:
        waiting.wait(0.02)
    assert time.monotonic() - began < 2 * every

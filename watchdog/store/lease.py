"""Which process leads: on SQLite the holder of a file lock, on PostgreSQL the holder of a lease that expires."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Protocol

import msgspec
from sqlalchemy import Connection, text

from watchdog.errors import FencedError, StoreError
from watchdog.store.database import Database


class Holder(msgspec.Struct, frozen=True):
    """Who holds a lock, since when (seconds since the epoch)."""

    name: str
    host: str
    pid: int
    since: float

    def __str__(self) -> str:
        at = datetime.fromtimestamp(self.since, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"watchdog {self.name!r} (process {self.pid} on {self.host}, since {at})"


class FileLock:
    """The lock of one database file. Not taken until `take`; only `run` takes it, other commands need none."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.path = database.with_name(database.name + ".lock")
        self._file: IO[str] | None = None

    @property
    def held(self) -> bool:
        return self._file is not None

    def take(self, name: str, now: float) -> None:
        """Raises StoreError that names the holder if another process has it, or the reason why there can be no lock."""
        if self._file is not None:
            return
        try:
            # never deleted: a new file under the same name would be another lock
            file = self.path.open("a+", encoding="utf-8")
        except OSError as cause:
            raise StoreError(f"the lock {self.path} cannot be opened: {cause.strerror}") from cause
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read(file)
            file.close()
            raise StoreError(
                f"the database {self.database} is in use by {holder or 'another watchdog'}; "
                "stop it first, or give this one a database of its own with WATCHDOG_DATABASE_URL"
            ) from None
        except OSError as cause:
            file.close()
            raise StoreError(f"the lock {self.path} cannot be taken: {cause.strerror}") from cause
        file.truncate(0)
        file.write(msgspec.json.encode(Holder(name, socket.gethostname(), os.getpid(), now)).decode())
        file.flush()
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None


def _read(file: IO[str]) -> Holder | None:
    file.seek(0)
    try:
        return msgspec.json.decode(file.read(), type=Holder)
    except (msgspec.DecodeError, OSError, UnicodeDecodeError):
        return None  # it has just been taken, and nothing is written yet


logger = logging.getLogger(__name__)

#: A lease lasts for this part of a poll interval, within bounds, so that another leads within two polls.
_LEASE_POLLS = 0.75
_SHORTEST = 0.75
_LONGEST = 20.0
#: It is renewed so many times in its life.
_RENEWALS = 4
#: Seconds a renewal that is under way is waited for at the end.
_LAST_RENEWAL = 1.0
#: The part of a lease its holder does not use: steady clocks differ a little.
_MARGIN = 0.1

#: Nobody has led yet.
_BEGIN = text("INSERT INTO leases (id, epoch, holder, until) VALUES (1, 0, '', 0) ON CONFLICT (id) DO NOTHING")
_CLOCK = "extract(epoch FROM clock_timestamp())"
#: Lead, if the last leader's time is over; the epoch is the new leader's own.
_TAKE = text(
    f"UPDATE leases SET epoch = epoch + 1, holder = :holder, until = {_CLOCK} + :lasts "
    f"WHERE id = 1 AND until <= {_CLOCK} RETURNING epoch"
)
#: Go on leading, also a little late, as long as nobody else has begun to.
_RENEW = text(f"UPDATE leases SET until = {_CLOCK} + :lasts WHERE id = 1 AND epoch = :epoch RETURNING epoch")
#: Who leads, or led last.
HOLDER = text("SELECT holder FROM leases WHERE id = 1")
#: Let another lead at once.
_GIVE_UP = text("UPDATE leases SET until = 0 WHERE id = 1 AND epoch = :epoch")
#: The epoch, which nobody can change before the transaction that asks is over.
_FENCE = text("SELECT epoch FROM leases WHERE id = 1 FOR SHARE")


def steady() -> float:
    """Seconds that pass also while the machine sleeps, and that nobody sets."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Leadership(Protocol):
    """Whether this replica polls, decides and delivers."""

    @property
    def leading(self) -> bool:
        """It has begun to lead, and has not been replaced as far as it knows."""

    @property
    def lost(self) -> bool:
        """It led, and another does now. That is for good: to stand by again, open a new Store and load from it."""

    def start(self) -> None:
        """Begin to lead or to stand by; raises StoreError where neither is possible."""

    def may_send(self) -> bool:
        """Whether nobody else can have begun to lead yet. Asks no database."""

    def fence(self, connection: Connection) -> None:
        """Raises FencedError unless this replica leads until the transaction is over."""

    def stop(self) -> None:
        """Lead no longer; another may at once."""


class SoleLeader:
    """The only one by nature: a database in memory, or a SQLite file whose lock it holds."""

    def __init__(self, lock: FileLock | None, name: str, clock: Callable[[], float] = time.time) -> None:
        self._lock = lock
        self._name = name
        self._clock = clock
        self.leading = False
        self.lost = False

    def start(self) -> None:
        if self._lock is not None:
            self._lock.take(self._name, self._clock())
        self.leading = True

    def may_send(self) -> bool:
        return self.leading

    def fence(self, connection: Connection) -> None:
        """Nothing to check: the lock cannot be lost while the process lives."""

    def stop(self) -> None:
        self.leading = False
        if self._lock is not None:
            self._lock.release()


class Lease:
    """One replica's claim to lead on PostgreSQL; `start` keeps it up in a thread, whatever the cycle does."""

    def __init__(self, database: Database, name: str, every: float, clock: Callable[[], float] = steady) -> None:
        self.lasts = min(max(_LEASE_POLLS * every, _SHORTEST), _LONGEST)
        self.lost = False
        self.epoch: int | None = None  #: of this replica's time as leader; None while it stands by
        self._database = database
        self._name = name
        self._clock = clock
        self._until = float("-inf")
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._trouble = ""

    @property
    def leading(self) -> bool:
        return self.epoch is not None and not self.lost

    def start(self) -> None:
        with self._database.writing() as connection:
            connection.execute(_BEGIN)
        self.hold()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._thread.start()

    def hold(self) -> bool:
        """Begin to lead if nobody does, or go on leading. Raises StoreError when the database cannot be asked."""
        if self.lost:
            return False
        asked = self._clock()
        with self._database.writing() as connection:
            if self.epoch is None:
                found = connection.execute(_TAKE, {"holder": self._name, "lasts": self.lasts}).scalar()
            else:
                found = connection.execute(_RENEW, {"epoch": self.epoch, "lasts": self.lasts}).scalar()
        if found is not None:
            self._until = asked + self.lasts * (1 - _MARGIN)
            self.epoch = int(found)
        elif self.epoch is not None:
            self.lost = True
        return self.leading

    def may_send(self) -> bool:
        return self.leading and self._clock() < self._until

    def fence(self, connection: Connection) -> None:
        if self.epoch is None:
            raise FencedError(f"{self._name!r} does not lead; nothing is written")
        if self.lost or connection.execute(_FENCE).scalar() != self.epoch:
            self.lost = True
            raise FencedError(f"another replica leads instead of {self._name!r}; nothing more is written")

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_LAST_RENEWAL)
        held, self.lost = self.may_send(), self.epoch is not None
        if not held:
            return  # its time is over anyway, perhaps because the database does not answer
        try:
            with self._database.writing() as connection:
                connection.execute(_GIVE_UP, {"epoch": self.epoch})
        except StoreError as cause:
            logger.warning("leadership could not be given up; it runs out by itself", extra={"error": str(cause)})

    def _keep(self) -> None:
        while not self._stop.wait(self.lasts / _RENEWALS) and not self.lost:
            before = self.leading
            try:
                self.hold()
            except StoreError as cause:
                if not self._trouble:
                    logger.warning("leadership cannot be kept up", extra={"error": str(cause)})
                self._trouble = str(cause)
                continue
            self._trouble = ""
            if self.leading != before:
                said = "leading now" if self.leading else "another replica leads now"
                logger.info(said, extra={"replica": self._name})

"""One `watchdog run` per SQLite file: a lock beside it that dies with its process, and says who holds it."""

from __future__ import annotations

import fcntl
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec

from watchdog.errors import StoreError


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

"""The polls a command plays: a file, the service's own recording in the database, or a running service's over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from watchdog.commands.operator import open_store
from watchdog.errors import ConfigError
from watchdog.readings.poll import Poll
from watchdog.readings.recorded_polls import polls_of
from watchdog.settings import Settings
from watchdog.store.recording import blocks
from watchdog.streamkap.recording import read_recording

NOTHING = (
    "nothing is recorded yet: a running service writes its polls once a minute and when it stops "
    "(WATCHDOG_RECORDING); or name a file made by `watchdog run --record FILE`"
)


def recorded_polls(settings: Settings, file: Path | None, since: float = 0.0) -> Iterator[Poll]:
    """The polls from `since` on, of `file` or else of the database.

    Raises ConfigError for a file that is no recording or where nothing is recorded, StoreError.
    """
    if file is not None:
        yield from read_recording(file, since)
        return
    store = open_store(settings)
    count = 0
    try:
        for poll in polls_of(blocks(store, since), since):
            count += 1
            yield poll
    except ValueError as cause:
        raise ConfigError(f"database {store.place}: a part of the recording {cause}") from cause
    finally:
        store.close()
    if not count:
        raise ConfigError(NOTHING)

"""The polls a command plays: a file, the service's own recording in the database, or a running service's over HTTP."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx

from watchdog.alerts.answers import Answers
from watchdog.commands.operator import open_store
from watchdog.configuration.calendars import with_files
from watchdog.cycle.policy import Policy
from watchdog.errors import ApiError, ConfigError
from watchdog.readings.poll import Poll
from watchdog.readings.recorded_polls import answers_of_file, is_whole, polls_of
from watchdog.settings import Settings
from watchdog.store.recording import answers, blocks, reach
from watchdog.streamkap.recording import read_recording

_PATH = "/api/watchdog/v1/recording"
#: Seconds back from now for which calendars are unfolded.
_REACH = 100 * 86400.0
NOTHING = (
    "nothing is recorded yet: a running service writes its polls once a minute and when it stops "
    "(WATCHDOG_RECORDING); or name a file made by `watchdog run --record FILE`"
)


def last_instant(settings: Settings, file: Path | None) -> float | None:
    """When the newest poll was made; None where nothing is recorded. Raises as `recorded_polls`."""
    if file is not None:
        return max((poll.at for poll in read_recording(file)), default=None)
    store = open_store(settings)
    try:
        found = reach(store)
    finally:
        store.close()
    return None if found is None else found.end


def with_calendars(policy: Policy, now: float) -> Policy:
    """A policy whose mutes know their calendar files as far back as a recording may reach; says what it cannot use."""
    filled, wrong = with_files(policy, now - _REACH, now + 86400)
    for line in wrong:
        print(line, file=sys.stderr)
    return filled


def downloaded(settings: Settings, url: str, since: float, into: Path) -> Path:
    """The recording of a running service, from its own API, as a file. Raises ApiError where it cannot be had."""
    token = settings.watchdog_web_token
    headers = {} if token is None else {"Authorization": f"Bearer {token.get_secret_value()}"}
    query = {"since": datetime.fromtimestamp(since, UTC).isoformat()} if since else {}
    file = into / "recording"
    try:
        with (
            httpx.stream("GET", url.rstrip("/") + _PATH, params=query, headers=headers, timeout=30.0) as answer,
            file.open("wb") as out,
        ):
            if answer.status_code != httpx.codes.OK:
                raise ApiError(f"--api {url}: {_refusal(answer.status_code)}", status=answer.status_code)
            for piece in answer.iter_bytes():
                out.write(piece)
    except (httpx.HTTPError, httpx.InvalidURL) as cause:
        raise ApiError(
            f"--api {url}: {cause}; the address of a running watchdog is needed, e.g. http://127.0.0.1:8080"
        ) from cause
    with file.open("rb") as opened:
        if not is_whole(opened):
            raise ApiError(f"--api {url}: the recording ended before its end; try again, or narrow it with --since")
    return file


def _refusal(status: int) -> str:
    if status in (401, 403):
        return f"it answers {status}; set WATCHDOG_WEB_TOKEN to its token"
    return f"it answers {status} to GET {_PATH}; is it a watchdog of this version?"


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


def recorded_answers(settings: Settings, file: Path | None, since: float = 0.0) -> Answers:
    """What people did while those polls were recorded; a file made by `watchdog run --record` does not say.

    Raises ConfigError for a file that cannot be read, StoreError.
    """
    if file is None:
        store = open_store(settings)
        try:
            return answers(store, since)
        finally:
            store.close()
    try:
        with file.open("rb") as opened:
            data = answers_of_file(opened)
        return Answers.decode(data) if data else Answers()
    except (OSError, ValueError) as cause:
        why = (cause.strerror if isinstance(cause, OSError) else None) or cause
        raise ConfigError(f"{file}: cannot be read as a recording: {why}") from cause

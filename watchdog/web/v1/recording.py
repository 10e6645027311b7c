"""`/recording`: the polls kept in the database as one file, for `watchdog diff --api` and `replay FILE`."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from starlette.responses import Response, StreamingResponse

from watchdog.errors import StoreError
from watchdog.readings.recorded_polls import as_file
from watchdog.store.recording import answers, blocks
from watchdog.web.resource import Act, Asked
from watchdog.web.v1.parameters import instant, read_query
from watchdog.web.view import ServiceView

logger = logging.getLogger(__name__)

PATH = "/recording"
SINCE = instant("since", "Leave out what ended before this instant.")
SUMMARY = (
    "The recorded polls, with the silences and acknowledgements of that time, as a file that `watchdog replay` and "
    "`watchdog diff --recording` read."
)
MEDIA_TYPE = "application/octet-stream"


def download(watched: ServiceView) -> Act:
    """Streams the blocks, one at a time from the database."""

    def answer(asked: Asked) -> Response:
        since = read_query(asked.query, [SINCE])["since"]
        found = blocks(watched.store, since or 0.0)
        meanwhile = answers(watched.store, since or 0.0).encode()
        headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="watchdog.recording"'}
        return StreamingResponse(_until_trouble(as_file(found, meanwhile)), media_type=MEDIA_TYPE, headers=headers)

    return answer


def _until_trouble(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Where the database fails on the way, the file has no end, which its reader notices."""
    try:
        yield from pieces
    except StoreError as cause:
        logger.warning("recording not sent to its end", extra={"error": str(cause)})

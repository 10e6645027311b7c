"""`/recording`: the polls kept in the database as one file, for `watchdog diff --api` and `replay FILE`."""

from __future__ import annotations

from starlette.responses import Response, StreamingResponse

from watchdog.readings.recorded_polls import as_file
from watchdog.store.recording import blocks
from watchdog.web.resource import Act, Asked
from watchdog.web.v1.parameters import instant, read_query
from watchdog.web.view import ServiceView

PATH = "/recording"
SINCE = instant("since", "Leave out what ended before this instant.")
SUMMARY = "The recorded polls as a file that `watchdog replay` and `watchdog diff --recording` read."
MEDIA_TYPE = "application/octet-stream"


def download(watched: ServiceView) -> Act:
    """Streams the blocks, one at a time from the database."""

    def answer(asked: Asked) -> Response:
        since = read_query(asked.query, [SINCE])["since"]
        headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="watchdog.recording"'}
        return StreamingResponse(as_file(blocks(watched.store, since or 0.0)), media_type=MEDIA_TYPE, headers=headers)

    return answer

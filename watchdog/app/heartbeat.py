"""The dead man's switch: a URL fetched after each cycle, from a thread of its own so that it can hold up nothing."""

from __future__ import annotations

import logging
import threading
from urllib.parse import urlsplit, urlunsplit

import httpx

logger = logging.getLogger(__name__)

_TIMEOUT = 10.0


class Heartbeat:
    """Tells a service such as Healthchecks that this watchdog lives, or that it cannot do its work."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self._url = url
        self._transport = transport
        self._wake = threading.Event()
        self._well: bool | None = None
        self._stopping = False
        self._complained = False
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def beat(self, *, well: bool) -> None:
        """After a cycle: was it judged and saved? A beat that the last one still holds up replaces it."""
        self._well = well
        self._wake.set()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    def _run(self) -> None:
        with httpx.Client(timeout=_TIMEOUT, transport=self._transport, follow_redirects=True) as client:
            while True:
                self._wake.wait()
                self._wake.clear()
                if self._stopping:
                    return
                if self._well is not None:
                    self._send(client, self._url if self._well else failing(self._url))

    def _send(self, client: httpx.Client, url: str) -> None:
        try:
            client.get(url).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as cause:
            if not self._complained:  # the URL is a secret: only the kind of trouble is said
                logger.warning("heartbeat could not be sent", extra={"error": type(cause).__name__})
            self._complained = True
        else:
            self._complained = False


def failing(url: str) -> str:
    """The address that says "not well": `/fail` behind the path, before a query."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + "/fail"))

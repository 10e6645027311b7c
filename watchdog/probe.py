"""The container's own health check: asks /healthz of the watchdog beside it, and says why when it is not well.

`python3 -m watchdog.probe` ends with 0 when the service is well and with 1 when it is not. It runs every few seconds in
a small container, so it needs the standard library alone and imports nothing of the product.
"""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Mapping

#: As in the settings; the image sets 0.0.0.0:8080.
_LISTEN = "127.0.0.1:8080"
#: Seconds for the whole question; a service that cannot answer such a small one is not well.
_PATIENCE = 5.0
#: Listening everywhere is an address to bind, not one to ask.
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


def probe(environment: Mapping[str, str]) -> tuple[int, str]:
    """The exit code, and one sentence that gives its reason."""
    listen = environment.get("WATCHDOG_LISTEN", "").strip() or _LISTEN
    if listen.lower() == "off":
        # Neither well nor unwell can be seen; "unwell" would have the container restarted for ever.
        return 0, "WATCHDOG_LISTEN is off: there is no server to ask; watch the heartbeat instead"
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    if not port.isdecimal():
        return 1, f"WATCHDOG_LISTEN={listen!r} names no port; write host:port, e.g. {_LISTEN}"
    # Named proxies are for the outside world: http.client, unlike its comfortable relatives, asks none.
    connection = http.client.HTTPConnection(_EVERYWHERE.get(host, host), int(port), timeout=_PATIENCE)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        text = answer.read(500).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException, ValueError) as error:
        return 1, f"http://{listen}/healthz did not answer: {error or type(error).__name__}"
    finally:
        connection.close()
    return (0 if answer.status == 200 else 1), f"http://{listen}/healthz answered {answer.status}: {text}"


def main() -> None:
    code, reason = probe(os.environ)
    # Docker keeps both streams of a health check; people look for failures on stderr.
    print(reason, file=sys.stderr if code else sys.stdout)
    sys.exit(code)


if __name__ == "__main__":
    main()

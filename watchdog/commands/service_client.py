"""The running service, asked over its own API for what its database does not hold: the last poll."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import httpx
import msgspec

from watchdog.settings import Settings
from watchdog.web.v1.schemas import Alert, EpisodeDetail, Reading, Status

#: Seconds. The service runs on this machine, or it does not run.
_TIMEOUT = 3.0
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "[::1]"}
T = TypeVar("T")


class ServiceClient:
    """The service at the address in the settings; `answers` is False once a request has failed."""

    def __init__(self, settings: Settings) -> None:
        token = settings.watchdog_web_token
        host, port = settings.listen or ("", 0)
        self.address = f"{_ANY_ADDRESS.get(host, host)}:{port}"
        self.answers = settings.listen is not None
        self._headers = {} if token is None else {"Authorization": f"Bearer {token.get_secret_value()}"}

    def status(self) -> Status | None:
        """What fires with the readings of the last poll; None where no service answers."""
        return self._object("status", Status)

    def episode(self, id: str) -> EpisodeDetail | None:
        """One episode with the readings of the last poll; None where no service answers or it has no such episode."""
        return self._object(f"episodes/{id}", EpisodeDetail)

    def alerts(self, rule: str) -> list[Alert]:
        """A rule on every entity it covers, as of the last poll."""
        return [msgspec.convert(one, Alert) for one in self._items("alerts", alert=rule)]

    def readings(self, alert: Alert) -> list[Reading]:
        """The last readings of an alert's entity that its reason names."""
        items = self._items("readings", kind=alert.kind, name=alert.entity_id)
        return [one for item in items if (one := msgspec.convert(item, Reading)).metric in alert.reason]

    def _object(self, path: str, type: type[T]) -> T | None:
        answer = self._get(path, {}) if self.answers else None
        try:
            return None if answer is None else msgspec.convert(answer, type)
        except msgspec.ValidationError:  # another version of the service
            return None

    def _items(self, path: str, **given: str) -> Iterator[Any]:
        after: str | None = ""
        while self.answers and after is not None:
            page = self._get(path, {**given, "limit": "1000"} | ({"after": after} if after else {}))
            if page is None:
                return
            yield from page["items"]
            after = page["next"]

    def _get(self, path: str, params: dict[str, str]) -> Any:
        url = f"http://{self.address}/api/watchdog/v1/{path}"
        try:
            answer = httpx.get(url, params=params, headers=self._headers, timeout=_TIMEOUT, trust_env=False)
            return msgspec.json.decode(answer.raise_for_status().content)
        except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError):
            self.answers = False
            return None

"""What a running service knows that its database does not, asked over its own API: alerts that do not fire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec

from watchdog.settings import Settings
from watchdog.web.v1.objects import Alert, Reading

#: Seconds. It runs on this machine, or it does not run.
_PATIENCE = 3.0
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "[::1]"}


class Service:
    """The service at the address that the settings name; `answers` is False where none does."""

    def __init__(self, settings: Settings) -> None:
        token = settings.watchdog_web_token
        host, port = settings.listen or ("", 0)
        self.address = f"{_ANY_ADDRESS.get(host, host)}:{port}"
        self.answers = settings.listen is not None
        self._headers = {} if token is None else {"Authorization": f"Bearer {token.get_secret_value()}"}

    def alerts(self, rule: str) -> list[Alert]:
        """A rule on every entity that it covers, as the last poll left them."""
        return [msgspec.convert(one, Alert) for one in self._items("alerts", alert=rule)]

    def readings(self, alert: Alert) -> list[Reading]:
        """What the last poll read of an alert's entity, as far as its reason names it."""
        items = self._items("readings", kind=alert.kind, name=alert.entity_id)
        return [one for item in items if (one := msgspec.convert(item, Reading)).metric in alert.reason]

    def _items(self, what: str, **given: str) -> Iterator[Any]:
        after: str | None = ""
        while self.answers and after is not None:
            params = {**given, "limit": "1000"} | ({"after": after} if after else {})
            try:
                url = f"http://{self.address}/api/watchdog/v1/{what}"
                answer = httpx.get(url, params=params, headers=self._headers, timeout=_PATIENCE, trust_env=False)
                page = msgspec.json.decode(answer.raise_for_status().content)
            except (httpx.HTTPError, msgspec.DecodeError):
                self.answers = False
                return
            yield from page["items"]
            after = page["next"]

"""Inboxes: what stands where Slack, PagerDuty, a mail server and a webhook would, and what has arrived there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from sinks.http import HttpSink, Reply, TlsSinks
from sinks.smtp import SmtpSink


@dataclass(frozen=True)
class Arrived:
    """Everything that came in since the last look, by channel, in order."""

    slack: list[Any] = field(default_factory=list)
    pagerduty: list[Any] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    hook: list[Any] = field(default_factory=list)


class Inboxes:
    """Real servers on loopback; this process reaches them through the environment."""

    def __init__(self, folder: Path) -> None:
        self._tls = TlsSinks(folder)
        self._smtp = SmtpSink(folder)
        self._hook = HttpSink()
        self._servers = (self._tls, self._smtp, self._hook)

    def variables(self) -> dict[str, str]:
        """What the receivers' URLs are made of."""
        return {
            "PAGERDUTY_URL": self._tls.PAGERDUTY_URL,
            "SLACK_URL": self._tls.SLACK_URL,
            "EMAIL_URL": self._smtp.url("oncall@example.org"),
            "HOOK_URL": f"json://{self._hook.url}/hook",
        }

    def env(self) -> dict[str, str]:
        return self._tls.env() | self._smtp.env()

    def close_down(self) -> None:
        """From now on nobody takes anything, for the moment."""
        self._tls.behave(Reply(503, b"down"))
        self._tls.default_for = lambda request: Reply(503, b"down")  # type: ignore[method-assign]
        self._hook.behave(Reply(503, b"down"))
        self._smtp.reply_to_data = "452 4.3.1 down"

    def open_up(self) -> None:
        vars(self._tls).pop("default_for", None)
        self._tls.behave(Reply())
        self._hook.behave(Reply())
        self._smtp.reply_to_data = ""
        self.take()

    def refuse_pagerduty(self) -> None:
        """PagerDuty answers as for a key that has been revoked."""
        refusal = Reply(400, b'{"status":"invalid event","errors":["Invalid routing key"]}')
        fine = type(self._tls).default_for
        self._tls.default_for = (  # type: ignore[method-assign]
            lambda request: refusal if request.host.startswith("events.") else fine(self._tls, request)
        )

    def count(self) -> int:
        """How much there is to take."""
        return len(self._tls.received) + len(self._smtp.mails) + len(self._hook.received)

    def take(self) -> Arrived:
        """What has arrived since this was asked last."""
        arrived = Arrived(
            slack=[request.json for request in self._tls.to("hooks.slack.com")],
            pagerduty=[request.json for request in self._tls.to("events.pagerduty.com")],
            mails=[mail.message for mail in self._smtp.mails],
            hook=[request.json for request in self._hook.received],
        )
        self._tls.received.clear()
        self._smtp.mails.clear()
        self._hook.received.clear()
        return arrived

    def close(self) -> None:
        for server in self._servers:
            server.stop()


@contextmanager
def inboxes(folder: Path) -> Iterator[Inboxes]:
    made = Inboxes(folder)
    os.environ.update(made.env())
    try:
        yield made
    finally:
        made.close()

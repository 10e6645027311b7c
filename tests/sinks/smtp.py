"""An SMTP sink: a real server with STARTTLS and a login, that can refuse either, a recipient or a message."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True)
class Mail:
    """A message as it was handed over: envelope and bytes."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        parsed = email.message_from_bytes(self.content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


def _free_port() -> int:
    """aiosmtpd connects to the port it was given, so that has to be a real one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class SmtpSink:
    """A mail server on loopback. What it refuses can be changed while it runs."""

    USER, PASSWORD = "mailer", "correct-horse-battery"

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self._bundle = folder / "smtp-ca.pem"
        authority.cert_pem.write_to_path(str(self._bundle))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        self.mails: list[Mail] = []
        #: recipient → the reply it is refused with
        self.refused: dict[str, str] = {}
        #: instead of taking a message; "hang" never replies to its text
        self.reply_to_data = ""
        self._closing = threading.Event()
        self._news = threading.Condition()
        self._controller = Controller(
            self, hostname="127.0.0.1", port=_free_port(), tls_context=context, require_starttls=True,
            auth_required=True, authenticator=self._authenticate, enable_SMTPUTF8=True,
        )  # fmt: skip
        self._controller.start()

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def url(self, *to: str, password: str = PASSWORD, **more: str) -> str:
        """A mailtos:// URL that logs in here."""
        query = urlencode({"mode": "starttls", "from": "watchdog@example.org", **more, "to": ",".join(to)}, safe="@,")
        return f"mailtos://{self.USER}:{password}@127.0.0.1:{self.port}?{query}"

    def env(self) -> dict[str, str]:
        """What a process needs in its environment to trust this sink."""
        return {"SSL_CERT_FILE": str(self._bundle)}

    def wait(self, count: int, timeout: float = 10.0) -> list[Mail]:
        with self._news:
            assert self._news.wait_for(lambda: len(self.mails) >= count, timeout), (count, self.mails)
            return list(self.mails)

    def stop(self) -> None:
        self._closing.set()
        self._controller.stop()

    def _authenticate(self, server: SMTP, session: Session, envelope: Envelope, how: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and data.password.decode() == self.PASSWORD
        return AuthResult(success=good, handled=False)

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, to: str, options: Any) -> str:
        if to in self.refused:
            return self.refused[to]
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.reply_to_data == "hang":
            import asyncio

            began = time.monotonic()
            while not self._closing.is_set() and time.monotonic() - began < 60:
                await asyncio.sleep(0.05)
        if self.reply_to_data:
            return self.reply_to_data
        with self._news:
            assert isinstance(envelope.content, bytes)
            self.mails.append(Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), envelope.content))
            self._news.notify_all()
        return "250 OK"

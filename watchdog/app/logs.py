"""Logs: a constant sentence and its fields, for people on a console or as JSON; secrets are scrubbed on the way out."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

#: Libraries that tell every request: with a URL, and at every poll.
_CHATTY = (
    "httpx", "httpcore", "apprise", "schedule", "alembic", "uvicorn.access", "uvicorn.error", "watchfiles",
    "watchfiles.main",
)  # fmt: skip
_OWN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

Event = MutableMapping[str, Any]


def set_up(form: str, level: str, scrub: Callable[[str], str] = lambda text: text) -> None:
    """All logging of this process to stderr. `form` is console or json; `scrub` takes secrets out of a text."""

    def fields(_: object, __: str, event: Event) -> Event:
        record = event.get("_record")
        if record is not None:
            event.update({key: value for key, value in vars(record).items() if key not in _OWN and key[0] != "_"})
        return event

    def scrubbed(_: object, __: str, event: Event) -> Event:
        return {key: scrub(value) if isinstance(value, str) else value for key, value in event.items()}

    shared: list[Any] = [
        fields,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if form == "json":
        render: list[Any] = [structlog.processors.format_exc_info, scrubbed, structlog.processors.JSONRenderer()]
    else:
        colors = sys.stderr.isatty()
        plain = structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)
        render = [structlog.processors.format_exc_info, scrubbed, plain]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)

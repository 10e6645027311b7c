"""Messages to send."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from watchdog.notify.message import Line, Message, MessageKind

_LINE = Line(
    alertname="SourceBehind",
    severity="critical",
    entity="source/prod-orders",
    phase="firing",
    summary="prod-orders is 12m4s behind",
    description="Nothing has been read since noon.",
    reason="StreamingMilliSecondsBehindSource is 12m4s (> 5m)",
    value="12m4s",
    limit="5m",
    since=1_700_000_000.0,
    duration=724.0,
    labels={
        "alertname": "SourceBehind",
        "severity": "critical",
        "kind": "source",
        "id": "65a1",
        "tags": ("eu", "prod"),
    },
    runbook_url="https://runbooks.example.org/lag",
    entity_url="https://app.streamkap.com/sources/65a1",
    alert_url="https://watchdog.example.org/alerts/e1",
    dedup_key="wd-0123",
)
_MESSAGE = Message(
    id="7",
    kind=MessageKind.FIRING,
    receiver="team",
    title="[FIRING:1] SourceBehind: source/prod-orders",
    headline="+1 new",
    changed=(_LINE,),
    ack_hint="watchdog ack SourceBehind 65a1",
    silence_hint="watchdog silence add alertname=SourceBehind id=65a1 --for 2h --comment why",
    at=1_700_000_724.0,
    threads=("episode-1",),
    dedup_key="wd-0123",
    instance="node-1",
)


@pytest.fixture
def line() -> Callable[..., Line]:
    return lambda **changes: replace(_LINE, **changes)


@pytest.fixture
def message(line: Callable[..., Line]) -> Callable[..., Message]:
    """A message about one line; `line={…}` changes the line, everything else the message."""

    def make(kind: MessageKind = MessageKind.FIRING, **changes: Any) -> Message:
        about = line(**changes.pop("line", {}))
        return replace(_MESSAGE, kind=kind, **{"changed": (about,), **changes})

    return make

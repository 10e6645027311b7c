"""A message as it leaves: what changed, what stands, and everything somebody woken by it wants to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from watchdog.readings.fleet import LabelValue


class MessageKind(StrEnum):
    FIRING = "firing"  #: something began
    RESOLVED = "resolved"  #: only ends
    REMINDER = "reminder"  #: nothing changed, it still fires
    UPDATE = "update"  #: an alert began flapping
    ESCALATION = "escalation"  #: nobody acknowledged
    MISSED = "missed"  #: began and ended while the target could not be reached
    REPORT = "report"  #: which alerts of a period were worth a page
    TEST = "test"  #: somebody tries a receiver


@dataclass(frozen=True, slots=True)
class Line:
    """One alert in a message. `phase` is firing, resolved or missed; `duration` is in seconds, up to now or its end.

    While it fires, `reason`, `value` and its `limit` are those of the last poll, which did not find it true if it is
    `held`; `trend` says where the value is going, `error` what a
    failed task or snapshot says. Afterwards `reason` is why it ended, and the texts are those of its
    beginning. `note` says what is special (no reading since …, a broken text). `act_url` is a link that acts: who
    opens it may acknowledge and silence.
    """

    alertname: str
    severity: str
    entity: str
    phase: str
    summary: str
    description: str = ""
    reason: str = ""
    value: str = ""
    limit: str = ""
    trend: str = ""
    error: str = ""
    since: float = 0.0
    ended: float | None = None
    duration: float = 0.0
    labels: Mapping[str, LabelValue] = field(default_factory=dict)
    runbook_url: str = ""
    entity_url: str = ""
    alert_url: str = ""
    act_url: str = ""
    flapping: bool = False
    held: bool = False
    note: str = ""
    dedup_key: str = ""


@dataclass(frozen=True, slots=True)
class Thread:
    """The group a message is about, for channels that keep one thread for each. `group` names it, `began` is when it
    did (None once it is gone), `episodes` are all alerts of this message, `shown` is what it says of them."""

    group: str
    began: float | None
    episodes: tuple[str, ...]
    shown: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one target. `changed` comes first, `standing` is what still fires besides, `more` alerts are
    counted but not listed, `silenced` of those are held back. The hints are commands that work when pasted.
    `threads` are the episodes it is about (email References), `firing` those of them that fire, `dedup_key` is
    PagerDuty's, `chart_svg` the deciding metric of the first line over the last hours. A report has no lines: it is
    `report_text`, and `report_html` as a whole page; it has no `thread` either."""

    id: str
    kind: MessageKind
    receiver: str
    title: str
    headline: str = ""
    changed: tuple[Line, ...] = ()
    standing: tuple[Line, ...] = ()
    more: int = 0
    silenced: int = 0
    cause: str = ""
    ack_hint: str = ""
    silence_hint: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    at: float = 0.0
    threads: tuple[str, ...] = ()
    dedup_key: str = ""
    chart_svg: str | None = None
    instance: str = ""
    report_text: str = ""
    report_html: str = ""
    thread: Thread | None = None
    firing: tuple[str, ...] = ()

"""The API's objects: what `/api/watchdog/v1` answers, the commands' `--json` prints, and its description is made of.

Instants are RFC 3339 in UTC, durations are seconds, values come with their unit; an empty text says that there is none.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

from msgspec import Meta, Struct

from watchdog.store.audit import Action, Via

Instant = datetime
Value = Annotated[float | str | bool | None, Meta(description="null where there is no reading")]
Unit = Annotated[str, Meta(description='"ms", "s", "bytes", "records", "state", …; "" for a plain number')]
Labels = dict[str, str | list[str]]
T = TypeVar("T")


class Problem(Struct, frozen=True):
    """Why a request was not answered: the sentence, what was found, and what would be accepted."""

    error: str
    found: str = ""
    accepted: str = ""


class Page(Struct, Generic[T], frozen=True):
    """Some of a list. `next`, given as `after`, continues it; null at its end."""

    items: list[T]
    next: str | None


class Reading(Struct, frozen=True):
    """One metric of one entity at the last poll, under the API's own name."""

    metric: str
    value: Value
    unit: Unit
    at: Instant


class ReadingOf(Reading, frozen=True):
    """A reading, and whose it is."""

    kind: str
    entity_id: str
    entity: str


class Entity(Struct, frozen=True):
    """Something with readings. It is its kind and its id; `name` is what people call it.

    `observed`: false where a failed request would have answered for it, so that nothing was concluded about it.
    """

    kind: str
    id: str
    name: str
    labels: Labels
    observed: bool
    readings: list[Reading]


class Alert(Struct, frozen=True):
    """One rule on one entity: the last poll's verdict, and the state that follows from all polls.

    `since`: first true poll of what is pending or firing. `reason`: the comparisons that decided, with the values seen.
    `episode`: id of the firing period, "" where it does not fire.
    """

    alert: str
    kind: str
    entity_id: str
    entity: str
    severity: str
    verdict: Literal["true", "false", "unknown", "unobserved"]
    state: Literal["inactive", "pending", "firing", "resolved"]
    since: Instant | None
    reason: str
    value: Value
    unit: Unit
    episode: str


class EntityDetail(Entity, frozen=True):
    """An entity with what every rule that covers it says."""

    alerts: list[Alert]


class Acknowledgement(Struct, frozen=True):
    """Somebody is on it: no more reminders, no escalation; its end is still told."""

    at: Instant
    author: str
    comment: str
    via: Annotated[str, Meta(description='"link" or "pagerduty"; "" for the pages, this API and the command')] = ""
    address: Annotated[str, Meta(description="where a link was used")] = ""


class Held(Struct, frozen=True):
    """What keeps an episode from being told: ids of silences, names of mutes, the alert that suppresses it; `text` says
    so in words, "" where nothing does."""

    silenced_by: list[str]
    muted_by: list[str]
    suppressed_by: str
    text: str


class Episode(Struct, frozen=True):
    """One firing period of an alert.

    `since`: its first true poll. `began`: when it fired. `ended`: null while it fires. `value` is the reading side of
    the comparison that decided, `limit` the other one. With `current` these and `reason` are the last poll's, else
    those of the poll at which it fired. `url` is its page (a path where no public URL is set), `entity_url` the
    entity's at Streamkap.
    """

    id: str
    alert: str
    kind: str
    entity_id: str
    entity: str
    severity: str
    labels: Labels
    firing: bool
    since: Instant
    began: Instant
    ended: Instant | None
    why_ended: str
    reason: str
    current: bool
    metric: str
    value: Value
    unit: Unit
    limit: Value
    flapping: bool
    held: Held
    acknowledged: Acknowledgement | None
    url: str
    entity_url: str


class Told(Struct, frozen=True):
    """One target's part in an episode. `target` is its name, never its URL."""

    episode: str
    receiver: str
    target: str
    role: Literal["routed", "fallback", "escalation"]
    beginning: Literal["waiting", "accepted", "refused"]
    told_at: Instant | None
    end: Literal["none", "waiting", "closed"]


class Line(Struct, frozen=True):
    """One line of an alert's story: a change of state, something told, held back or refused, and why."""

    at: Instant
    episode: str
    what: str
    text: str
    receiver: str
    target: str


class EpisodeDetail(Episode, frozen=True):
    """An episode with its texts as a message would say them, its time line, and who was told. `trend` says where its
    value is going, empty where the last half hour follows no line; `error` what a failed task or snapshot says."""

    annotations: dict[str, str]
    trend: str
    error: str
    readings: dict[str, Value]
    story: list[Line]
    told: list[Told]


class Silence(Struct, frozen=True):
    """Holds messages about matching alerts back while `starts_at <= now < ends_at`; ends are told all the same."""

    id: str
    matchers: Annotated[list[str], Meta(description='as `name="value"`, `!=`, `=~` or `!~`')]
    state: Literal["pending", "active", "expired"]
    starts_at: Instant
    ends_at: Instant
    changed_at: Instant
    author: str
    comment: str
    episode: Annotated[str, Meta(description='the episode it ends with; "" for none')] = ""


class AuditEntry(Struct, frozen=True):
    """Who did what, when and from where.

    `who` is verified where `via` is `proxy`; otherwise it is what the person wrote, or "". `address` is "" for what was
    done on the watchdog's own machine.
    """

    at: Instant
    action: Action
    who: str
    via: Via
    subject: str
    address: str


class Target(Struct, frozen=True):
    """How a target is. `failing_since` is null where its last delivery was fine."""

    id: str
    receiver: str
    target: str
    failing_since: Instant | None
    last_accepted: Instant | None
    last_error: str
    delivered: int


class Metric(Struct, frozen=True):
    """A metric of the catalogue. `nothing` is the value that means "no reading", null for none."""

    name: str
    on: list[str]
    unit: Unit
    counter: bool
    nothing: float | None
    sensitive: bool
    stale_after_seconds: float
    meaning: str


class Result(Struct, frozen=True):
    """A rule's last result: how many entities it covers, and how many of them got which verdict."""

    at: Instant
    covers: int
    true: int
    false: int
    unknown: int
    unobserved: int
    cost_seconds: float


class Param(Struct, frozen=True):
    """A param's value, with its unit."""

    value: float | str | bool
    unit: Unit


class Rule(Struct, frozen=True):
    """A rule of the configuration in force, with its own terms; an override's may differ. `last` is null before it was
    judged; `never_matching`: for an hour of good polls it matched no entity or was always unknown."""

    alert: str
    each: str
    where: dict[str, list[str]]
    expr: str
    clear: str
    params: dict[str, Param]
    severity: Literal["info", "warning", "critical"]
    for_seconds: float
    keep_firing_for_seconds: float
    no_data: Literal["keep", "alert", "ok"]
    labels: dict[str, str]
    annotations: dict[str, str]
    overrides: int
    suppresses: list[str]
    enabled: bool
    place: str
    firing: int
    never_matching: bool
    last: Result | None


class Status(Struct, frozen=True):
    """What fires, what is silenced, which targets fail. `last_cycle` is when a poll was last judged and saved."""

    last_cycle: Instant | None
    firing: list[Episode]
    silences: list[Silence]
    targets: list[Target]
    deliveries_waiting: int

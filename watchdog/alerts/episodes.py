"""An episode: one firing period of one alert, with everything messages, pages and `explain` tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchdog.alerts.lifecycle import AlertKey
from watchdog.readings.fleet import LabelValue
from watchdog.rules.rule import Quantity


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an alert at one poll. `labels` are the entity's, the rule's, `alertname`, `severity` (and
    `flapping`); `annotations` are templates as written; `limit` is the other side of the comparison behind `value`;
    `held`: the poll did not find it true, and it fires because something keeps it so."""

    labels: Mapping[str, LabelValue]
    entity: str  #: as people call it: `prod-orders`, `prod-orders/0`
    reason: str = ""
    value: Quantity | None = None
    limit: Quantity | None = None
    metric: str = ""
    params: Mapping[str, Quantity] = field(default_factory=dict)
    readings: Mapping[str, float | str | None] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    held: bool = False


#: How people answer an alert without signing in, in words; by the names the audit trail has for it.
_THROUGH = {
    "link": "through a link",
    "pagerduty": "at PagerDuty",
    "pagerduty-resolved": "who resolved the incident at PagerDuty",
    "slack": "in Slack",
}


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """`via` is how it was given ("link", "pagerduty", "pagerduty-resolved", "slack"; "" on the pages and by command),
    `address` where a link was used."""

    at: float
    author: str
    comment: str = ""
    via: str = ""
    address: str = ""

    def __post_init__(self) -> None:
        if "\0" in self.author + self.comment:
            raise ValueError("an acknowledgement cannot hold a NUL character")

    @property
    def resolved_elsewhere(self) -> bool:
        """Whether somebody resolved the incident at PagerDuty while its alert fires: that counts for a while."""
        return self.via == "pagerduty-resolved"

    def replaces(self, other: Acknowledgement) -> bool:
        """The first acknowledgement counts, but a resolved incident has to be triggered again, whoever was first."""
        return self.resolved_elsewhere and not other.resolved_elsewhere and other.at < self.at

    def __str__(self) -> str:
        """`by ann, through a link from 10.0.0.7: looking into it`."""
        said = f"by {answered_by(self.author, self.via, self.address)}"
        return f"{said}: {self.comment}" if self.comment else said


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """An acknowledgement given before `at` through `via` is taken back; `author` "" where its time has passed."""

    at: float
    author: str
    via: str

    def takes_back(self, given: Acknowledgement) -> bool:
        return given.via == self.via and given.at <= self.at


def answered_by(author: str, via: str, address: str = "") -> str:
    """Who answered an alert, how and from where: `ann, through a link from 10.0.0.7`."""
    return f"{author}, {_THROUGH.get(via, via)}{f' from {address}' if address else ''}" if via else author


@dataclass(frozen=True, slots=True)
class Hold:
    """What keeps an episode from being told.

    `silences` are ids, `mutes` names, `suppressor` the alert that suppresses it; `awaits_true`: its suppressor ended,
    and it is told only if a later poll finds it true.
    """

    silences: tuple[str, ...] = ()
    mutes: tuple[str, ...] = ()
    suppressor: str = ""
    awaits_true: bool = False

    def __bool__(self) -> bool:
        return self.quiet or self.suppressed

    @property
    def quiet(self) -> bool:
        return bool(self.silences or self.mutes)

    @property
    def suppressed(self) -> bool:
        return bool(self.suppressor) or self.awaits_true

    def __str__(self) -> str:
        """For people: `silenced by 6a…, muted by nightly-load`; "" when nothing holds it."""
        # eight characters tell silences apart, as `watchdog status` shows them
        parts = [f"silenced by {one[:8]}" for one in self.silences] + [f"muted by {one}" for one in self.mutes]
        if self.suppressor:
            parts.append(f"suppressed by {self.suppressor}")
        elif self.awaits_true:
            parts.append("released from suppression; waits for a poll that finds it true")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Episode:
    """One firing period. `since` is its first true poll, `began` when it fired, `ended` None while it fires.

    `facts` are those of its beginning with the labels and texts of now, `end_reason` the comparisons at the end.
    `first_accepted`: the first delivery any target accepted; `paused`: seconds its escalation clock has stood still,
    and since `held_since` stands still again (None: it runs); `escalated`: the steps done, as `(receiver, after)`.
    `released`: when suppression let go of it, so that a beginning waits one `group_wait` more; `release_note` names
    what held it back, until it is told.
    From `dark_since` to `dark_until` it fired without a poll that could judge it (the last such time).
    """

    id: str
    alert: AlertKey
    since: float
    began: float
    facts: Facts
    ended: float | None = None
    why_ended: str = ""  #: "" for the ordinary end; "rule removed", "no longer covered", "no longer exists", …
    end_reason: str = ""  #: the comparisons at the end, with the values seen
    dark_since: float | None = None
    dark_until: float | None = None
    flapping: bool = False
    acknowledgement: Acknowledgement | None = None
    first_accepted: float | None = None
    held_since: float | None = None
    paused: float = 0.0
    escalated: frozenset[tuple[str, float]] = frozenset()
    hold: Hold = field(default_factory=Hold)
    released: float | None = None
    release_note: str = ""

    @property
    def firing(self) -> bool:
        return self.ended is None


@dataclass(frozen=True, slots=True)
class Note:
    """One line of an alert's story: a state change, something told, held back, refused, and why.

    `what` is one of the Change values, or told, failed, unknown, held, released, acknowledged, handed-over,
    taken-over, merged, dropped, escalated, missed; `receiver` and `target` (its id) where it concerns one.
    """

    at: float
    alert: AlertKey
    episode: str
    what: str
    text: str
    receiver: str = ""
    target: str = ""

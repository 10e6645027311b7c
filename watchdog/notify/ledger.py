"""The ledger: per episode and target, whether the beginning was accepted and what of the end is still owed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from watchdog.notify.routes import GroupKey


class Standing(StrEnum):
    """How far the beginning got at one target."""

    WAITING = "waiting"  #: a duty is on its way
    ACCEPTED = "accepted"  #: the target took it (or may have: an unknown outcome counts)
    REFUSED = "refused"  #: it never will; nobody there hears the end


class Ending(StrEnum):
    """How far the end got at a target that accepted the beginning."""

    NONE = "none"  #: not over, or its group has not flushed the end yet
    WAITING = "waiting"  #: a duty is on its way
    CLOSED = "closed"  #: told, waived (`send_resolved: false`), refused for good, or taken over by the next episode


class Role(StrEnum):
    """Why this target hears of the episode."""

    ROUTED = "routed"
    FALLBACK = "fallback"
    ESCALATION = "escalation"


@dataclass(frozen=True, slots=True)
class Entry:
    """One target's part in one episode.

    `incident` is the key PagerDuty knows it by; `remind` names why a reminder is due with the group's next flush ("" if
    none is); `told_flapping`: the target knows that it is flapping; `told_dark`: up to when it knows that there was no
    reading.
    """

    episode: str
    target: str
    group: GroupKey
    role: Role = Role.ROUTED
    standing: Standing = Standing.WAITING
    told_at: float | None = None
    ending: Ending = Ending.NONE
    incident: str = ""
    remind: str = ""
    told_flapping: bool = False
    told_dark: float | None = None

    @property
    def closed(self) -> bool:
        """Whether its end was told. While the episode still fires (its target had left the configuration and is back),
        it is as if the target had never heard of it."""
        return self.ending is Ending.CLOSED

    @property
    def owes_end(self) -> bool:
        """Whether an end has to be made for it once the episode is over."""
        return self.standing is Standing.ACCEPTED and self.ending is Ending.NONE

"""Who was notified of an episode, who was not yet, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from watchdog.alerts.episodes import Episode
from watchdog.alerts.silences import Silence
from watchdog.cycle.policy import Policy
from watchdog.cycle.state import TargetHealth
from watchdog.notify.groups import Group
from watchdog.notify.ledger import Ending, Entry, Role, Standing
from watchdog.notify.routes import group_of, routes_for
from watchdog.web.times import Moment, moment

_ROLES = {Role.ROUTED: "", Role.FALLBACK: "as fallback", Role.ESCALATION: "by escalation"}
_ENDINGS = {
    Ending.NONE: "will be notified when it resolves",
    Ending.WAITING: "resolved notification pending",
    Ending.CLOSED: "notified that it resolved",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A receiver that accepted the beginning, the first of its targets that did."""

    receiver: str
    at: Moment | None
    role: str


@dataclass(frozen=True, slots=True)
class Held:
    """Something that keeps an episode from being told; `url` leads to it on these pages."""

    words: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """`told` receivers know; `waiting` says of others why they do not know yet; `held` why nobody new is told."""

    told: tuple[Told, ...] = ()
    waiting: tuple[str, ...] = ()
    held: tuple[Held, ...] = ()


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One target's part in an episode."""

    receiver: str
    target: str
    role: str
    at: Moment | None
    beginning: str
    end: str


class Outlook:
    """What is known at one instant of groups, targets and silences, to tell who hears of an episode and when."""

    def __init__(
        self,
        policy: Policy,
        groups: Iterable[Group],
        targets: Iterable[TargetHealth],
        silences: Iterable[Silence],
        firing: Iterable[Episode],
        now: float,
    ) -> None:
        self._policy, self._now = policy, now
        self._groups = {group.key: group for group in groups}
        self._targets = {target.target: target for target in targets}
        self._silences = {silence.id: silence for silence in silences}
        self._suppressors = {str(one.alert): one for one in firing}

    def knowledge(self, episode: Episode, entries: Iterable[Entry]) -> Knowledge:
        """Who knows of an episode; `entries` are its part of the ledger."""
        entries = list(entries)
        told: dict[str, Told] = {}
        for entry in sorted(entries, key=lambda one: one.told_at or 0.0):
            if entry.standing is Standing.ACCEPTED:
                at = None if entry.told_at is None else moment(entry.told_at, self._now)
                told.setdefault(entry.group.receiver, Told(entry.group.receiver, at, _ROLES[entry.role]))
        held = tuple(self._held(episode))
        waiting = [self._trouble(entry) for entry in entries if entry.standing is not Standing.ACCEPTED]
        if episode.firing and not held:
            waiting += self._still_to_come(episode, {entry.group.receiver for entry in entries})
        return Knowledge(tuple(told.values()), tuple(dict.fromkeys(waiting)), held)

    def ledger(self, entries: Iterable[Entry]) -> list[LedgerLine]:
        """Every target's part in an episode."""
        return [
            LedgerLine(
                receiver=entry.group.receiver,
                target=self.label(entry.target),
                role=_ROLES[entry.role],
                at=None if entry.told_at is None else moment(entry.told_at, self._now),
                beginning="notified" if entry.standing is Standing.ACCEPTED else self._trouble(entry, named=False),
                end=_ENDINGS[entry.ending] if entry.standing is Standing.ACCEPTED else "",
            )
            for entry in entries
        ]

    def label(self, target: str) -> str:
        """What a target is called; no secret is in it."""
        health = self._targets.get(target)
        return target if health is None else health.label or health.receiver

    # -- inside

    def _trouble(self, entry: Entry, *, named: bool = True) -> str:
        """Why a target has not taken the beginning."""
        health = self._targets.get(entry.target)
        why = f": {health.last_error}" if health is not None and health.last_error else ""
        if entry.standing is Standing.REFUSED:
            words = f"refused permanently{why}"
        elif health is not None and health.failing_since is not None:
            words = f"not reached since {moment(health.failing_since, self._now).clock}{why}; tried again"
        else:
            words = "a notification is pending"
        return f"{entry.group.receiver}: {words}" if named else words

    def _still_to_come(self, episode: Episode, known: set[str]) -> Iterable[str]:
        """Receivers that its routes lead to and that have not been written to."""
        routes = routes_for(episode.facts.labels, self._policy.routing.at(self._now))
        if not routes:
            none = "nobody is notified: no receiver is configured"
            yield "no route matches now" if self._policy.routes else none
        for receiver, route in routes:
            if receiver in known:
                continue
            if not self._policy.receivers[receiver].targets:
                yield f"{receiver} has no target: none of its variables is set"
                continue
            group = self._groups.get(group_of(receiver, route, episode.facts.labels))
            due = None if group is None else group.due
            yield f"{receiver} next" if due is None else f"{receiver} at {moment(due, self._now).clock}"

    def _held(self, episode: Episode) -> Iterable[Held]:
        hold = episode.hold
        for id_ in hold.silences:
            silence = self._silences.get(id_)
            yield Held("silenced" if silence is None else
                       f"silenced by {silence.author} until {moment(silence.ends, self._now).clock}"
                       f"{f': {silence.comment}' if silence.comment else ''}", f"/silences#silence-{id_}")  # fmt: skip
        for name in hold.mutes:
            yield Held(f"muted by {name}", "/silences#mutes")
        if hold.suppressor:
            larger = self._suppressors.get(hold.suppressor)
            if larger is None:
                yield Held(f"suppressed by {hold.suppressor}")
            else:
                what = f"{larger.alert.rule} on {larger.alert.kind} {larger.facts.entity}"
                yield Held(f"suppressed by {what}", f"/alerts/{larger.id}")
        elif hold.awaits_true:
            yield Held("its suppressor has resolved; notified if the next poll is still true")



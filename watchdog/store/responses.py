"""How people respond to an alert from elsewhere: by a link in a message, at PagerDuty, in Slack. One function each."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Protocol

from watchdog.alerts.episodes import Episode, Note, Withdrawal, answered_by
from watchdog.alerts.silences import Matcher, Silence, check_new
from watchdog.notify.routes import text_of
from watchdog.store.audit import Action, Actor, Via, record
from watchdog.store.store import Store
from watchdog.units import format_duration

#: Longest that a silence until the end of its episode holds; it ends with the episode.
_LONGEST = 365 * 86400.0
#: Labels that tell the parts of one connector apart.
_PARTS = ("task", "topic")


class Watchdog(Protocol):
    """The running watchdog, leading or standing by."""

    @property
    def store(self) -> Store: ...

    def acknowledge(
        self,
        episode_id: str,
        author: str,
        comment: str = "",
        *,
        via: str = "",
        address: str = "",
        at: float | None = None,
    ) -> Episode | None: ...

    def withdraw(self, episode_id: str, taken_back: Withdrawal) -> bool: ...

    def put_silence(self, silence: Silence, note: Note | None = None) -> Silence: ...


def acknowledge(watched: Watchdog, episode_id: str, by: Actor, at: float, comment: str = "") -> Episode | None:
    """Acknowledge an episode in somebody's name; None where it does not fire. The first word counts.

    Raises ValueError for a name that is too long, StoreError where it cannot be kept.
    """
    found = watched.acknowledge(episode_id, by.who, comment, via=str(by.via), address=_from_where(by), at=at)
    if found is not None and (said := found.acknowledgement) is not None and (said.at, said.author) == (at, by.who):
        record(watched.store, at, by, Action.ACKNOWLEDGE, _named(found))
    return found


def resolved_elsewhere(watched: Watchdog, episode: Episode, by: Actor, at: float) -> Episode | None:
    """Somebody resolved its incident at PagerDuty while the alert fires: an acknowledgement for one repeat interval."""
    return acknowledge(watched, episode.id, replace(by, via=Via.PAGERDUTY_RESOLVED), at)


def take_back(watched: Watchdog, episode: Episode, by: Actor, at: float) -> bool:
    """Take back an acknowledgement that was given through the same channel before; False where there is none."""
    found = watched.withdraw(episode.id, Withdrawal(at, by.who, str(by.via)))
    if found:
        record(watched.store, at, by, Action.ACKNOWLEDGE, f"taken back: {_named(episode)}")
    return found


def silence(watched: Watchdog, episode_id: str, by: Actor, lasting: float | None, now: float) -> Silence | None:
    """Silence one alert for so many seconds, or until this episode ends (None); None where it does not fire.

    A second tap makes no second silence. Raises ValueError for a name that is too long, StoreError.
    """
    found = watched.store.episode(episode_id)
    if found is None or not found.firing:
        return None
    until_end = lasting is None
    made = Silence(
        str(uuid.uuid4()),
        _matchers(found),
        now,
        now + (_LONGEST if lasting is None else lasting),
        by.who,
        "until this alert resolves" if until_end else "",
        now,
        found.id if until_end else "",
    )
    check_new(made)
    for one in watched.store.silences():
        same = one.matchers == made.matchers and one.episode == made.episode
        if same and one.active(now) and one.ends >= made.ends - 60:
            return one
    span = "until it resolves" if lasting is None else f"for {format_duration(lasting)}"
    story = f"{span} by {answered_by(by.who, str(by.via), _from_where(by))}"
    watched.put_silence(made, Note(now, found.alert, found.id, "silenced", story))
    record(watched.store, now, by, Action.SILENCE, f"{span}: {_named(found)}")
    return made


def _from_where(by: Actor) -> str:
    """Where a person is: PagerDuty's own address says nothing of that."""
    return by.address if by.via is Via.LINK else ""


def _matchers(episode: Episode) -> tuple[Matcher, ...]:
    """What names this alert and no other one."""
    labels = episode.facts.labels
    named = {"alertname": episode.alert.rule, "id": text_of(labels.get("id", episode.alert.entity))}
    named |= {part: text_of(labels[part]) for part in _PARTS if labels.get(part)}
    return tuple(Matcher(name, value) for name, value in named.items())


def _named(episode: Episode) -> str:
    return f"{episode.alert.rule} on {episode.facts.entity}"

"""Silences and mutes as pages show them: what they cover, for how long, who made them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from watchdog.alerts.episodes import Episode
from watchdog.alerts.mutes import Mute, QuietTime, next_boundary
from watchdog.alerts.silences import Silence
from watchdog.web.moments import Moment, moment

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class SilenceView:
    """`holding` counts the firing alerts it holds back now."""

    id: str
    matchers: str
    state: str  #: active, pending, expired
    starts: Moment
    ends: Moment
    author: str
    comment: str
    holding: int


@dataclass(frozen=True, slots=True)
class MuteView:
    """`changes`: when it begins or ends next, None where that is further away than a week."""

    name: str
    where: str
    times: str
    timezone: str
    active: bool
    changes: Moment | None
    holding: int


def silence_views(silences: Iterable[Silence], firing: Iterable[Episode], now: float) -> list[SilenceView]:
    """In the order given."""
    held = [id_ for one in firing for id_ in one.hold.silences]
    return [
        SilenceView(
            id=one.id,
            matchers=" ".join(map(str, one.matchers)),
            state="active" if one.active(now) else "expired" if one.ends <= now else "pending",
            starts=moment(one.starts, now),
            ends=moment(one.ends, now),
            author=one.author,
            comment=one.comment,
            holding=held.count(one.id),
        )
        for one in silences
    ]


def mute_views(mutes: Iterable[Mute], firing: Iterable[Episode], now: float) -> list[MuteView]:
    """Those that are active first."""
    held = [name for one in firing for name in one.hold.mutes]
    made = [
        MuteView(
            name=one.name,
            where=", ".join(f"{label}: {' '.join(items)}" for label, items in one.where.items.items()) or "everything",
            times=", ".join(map(_time, one.times)),
            timezone=one.timezone,
            active=one.active(now),
            changes=None if (edge := next_boundary([one], now)) is None else moment(edge, now),
            holding=held.count(one.name),
        )
        for one in mutes
    ]
    return sorted(made, key=lambda one: (not one.active, one.name))


def _time(quiet: QuietTime) -> str:
    """As people write it: `mon-fri 22:00-06:00`, every day without days."""
    clock = f"{quiet.start // 60:02}:{quiet.start % 60:02}-{quiet.end // 60:02}:{quiet.end % 60:02}"
    days = sorted(quiet.days)
    if len(days) == 7:
        return clock
    ranges: list[list[int]] = []
    for day in days:
        if ranges and ranges[-1][-1] == day - 1:
            ranges[-1].append(day)
        else:
            ranges.append([day])
    words = [_DAYS[run[0]] if len(run) == 1 else f"{_DAYS[run[0]]}-{_DAYS[run[-1]]}" for run in ranges]
    return f"{','.join(words)} {clock}"

"""Silences and mutes as pages show them: what they match, for how long, who made them, what a new one would match."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import urlsplit

from watchdog.alerts.episodes import Episode
from watchdog.alerts.mutes import Mute, QuietTime
from watchdog.alerts.silences import Matcher, Silence
from watchdog.cycle.evaluation import Evaluation
from watchdog.cycle.facts import labels_of
from watchdog.readings.fleet import LabelValue
from watchdog.web.times import Moment, moment

#: Alerts that are tried at most: a silence over everything needs no exact count.
_TRIED = 50_000
_NAMED = 12


@dataclass(frozen=True, slots=True)
class Preview:
    """`firing` alerts it would hold back now; `possible` alerts (a rule on an entity) it would cover at all, `names`
    some of them; `more`: there are at least so many."""

    firing: tuple[Episode, ...]
    possible: int
    names: tuple[str, ...]
    more: bool

    @property
    def unnamed(self) -> int:
        return self.possible - len(self.names)


def preview(matchers: Sequence[Matcher], firing: Iterable[Episode], evaluation: Evaluation | None) -> Preview:
    """By the labels of the last poll."""
    covered = tuple(one for one in firing if _all(matchers, one.facts.labels))
    names: list[str] = []
    possible = tried = 0
    for verdicts in () if evaluation is None else evaluation.verdicts.values():
        rule = verdicts.rule
        if not _all([one for one in matchers if one.name == "alertname"], {"alertname": rule.name}):
            continue
        for row, variant in zip(verdicts.rows.tolist(), verdicts.variant.tolist(), strict=True):
            tried += 1
            if tried > _TRIED:
                return Preview(covered, possible, tuple(names), True)
            entity = verdicts.table.entities[row]
            if _all(matchers, labels_of(rule, rule.variants[variant], entity)):
                possible += 1
                if len(names) < _NAMED:
                    names.append(f"{rule.name} on {entity.name}")
    return Preview(covered, possible, tuple(names), False)


def _all(matchers: Iterable[Matcher], labels: Mapping[str, LabelValue]) -> bool:
    return all(matcher.matches(labels) for matcher in matchers)


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
    matched: int


@dataclass(frozen=True, slots=True)
class MuteView:
    """`changes`: when it begins or ends next, None where that is further away than a week."""

    name: str
    where: str
    times: str
    timezone: str
    active: bool
    changes: Moment | None
    matched: int


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
            matched=held.count(one.id),
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
            times=f"calendar {_calendar(one.calendar)}" if one.calendar else ", ".join(map(_time, one.times)),
            timezone=one.timezone,
            active=one.active(now),
            changes=None if (edge := one.schedule.next_edge(now)) is None else moment(edge, now),
            matched=held.count(one.name),
        )
        for one in mutes
    ]
    return sorted(made, key=lambda one: (not one.active, one.name))


def _calendar(source: str) -> str:
    """The file's name, or the host of a URL: its path may be a secret."""
    return urlsplit(source).hostname or "" if "://" in source else PurePath(source).name


def _time(quiet: QuietTime) -> str:
    """As people write it: `mon-fri 22:00-06:00`, every day without days; whole days of dates without a clock."""
    clock = f"{quiet.start // 60:02}:{quiet.start % 60:02}-{quiet.end // 60:02}:{quiet.end % 60:02}"
    if quiet.dates is not None:
        return str(quiet.dates) if (quiet.start, quiet.end) == (0, 1440) else f"{quiet.dates} {clock}"
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

"""Builds the report of a period from the rows of the database. Reads no clock."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median

from watchdog.alerts.episodes import Episode, Note
from watchdog.alerts.mutes import NIGHT, WEEKEND, Mute, Schedule
from watchdog.alerts.silences import Silence
from watchdog.cycle.policy import Policy
from watchdog.reports.advice import Advice, longer_for
from watchdog.reports.pages import Delivery, deliveries
from watchdog.reports.report import (
    DayLine,
    EntityLine,
    Period,
    ReceiverLine,
    Report,
    Rows,
    RuleLine,
    SilenceLine,
    SilentRule,
    TargetLine,
    Times,
)
from watchdog.rules.rule import Rule

#: A silence counts as about to end when it ends within a day, or within as much time as the report covers.
_SOON = 86400.0


def report_of(rows: Rows, policy: Policy, period: Period, every: float) -> Report:
    """`policy` is the configuration at the end of the period, `every` the seconds between polls."""
    episodes = [one for one in rows.episodes if _overlaps(one, period.start, period.end)]
    messages = deliveries(rows.notes)
    pages = [one for one in messages if one.is_page]
    by_rule: dict[str, list[Episode]] = defaultdict(list)
    for episode in episodes:
        by_rule[episode.alert.rule].append(episode)
    escalations = Counter(note.alert.rule for note in rows.notes if note.what == "escalated")
    lines = []
    for name, found in by_rule.items():
        its = [one for one in pages if name in one.paged.values()]
        advice = _advice(policy.by_name.get(name), found, its, period, every)
        lines.append(_rule_line(name, found, its, escalations[name], period, advice))
    total = _rule_line("", episodes, pages, sum(escalations.values()), period, None)
    return Report(
        start=_instant(period.start),
        end=_instant(period.end),
        timezone=period.timezone,
        episodes=total.episodes,
        firing=total.firing,
        pages=total.pages,
        pages_at_night=total.pages_at_night,
        pages_at_weekend=total.pages_at_weekend,
        ended_notified=total.ended_notified,
        ended_unacknowledged=total.ended_unacknowledged,
        to_acknowledge=total.to_acknowledge,
        to_end=total.to_end,
        rules=tuple(sorted(lines, key=lambda one: (-one.pages, -one.episodes, one.alert))),
        receivers=_receivers(messages, period),
        days=_days(episodes, pages, period),
        hours=_hours(pages, period),
        failed_targets=_failed_targets(rows, period),
        ending_silences=_ending_silences(rows.silences, episodes, period),
        unused_silences=_unused_silences(rows.silences, episodes, period),
        unused_mutes=tuple(one.name for one in policy.mutes if _is_unused(one, episodes, period)),
        silent_rules=_silent_rules(policy, by_rule, rows.last_fired or {}),
    )


def _rule_line(
    name: str,
    episodes: Sequence[Episode],
    pages: Sequence[Delivery],
    escalations: int,
    period: Period,
    advice: Advice | None,
) -> RuleLine:
    ended = [one for one in episodes if one.ended in period]
    notified = [one for one in ended if one.first_accepted is not None]
    night, weekend = _at_night_and_weekend(pages, period)
    return RuleLine(
        alert=name,
        severity=_worst(str(one.facts.labels.get("severity", "")) for one in episodes),
        episodes=sum(one.began in period for one in episodes),
        carried_over=sum(one.began < period.start for one in episodes),
        firing=sum(_fires_at(one, period.end) for one in episodes),
        pages=len(pages),
        pages_at_night=night,
        pages_at_weekend=weekend,
        to_acknowledge=_times(_acknowledged_after(episodes, period)),
        to_end=_times((one.ended or one.began) - one.began for one in ended),
        ended_notified=len(notified),
        ended_unacknowledged=sum(one.acknowledgement is None for one in notified),
        flapping=sum(one.flapping for one in episodes),
        escalations=escalations,
        entities=_entities(episodes, period),
        advice=advice,
    )


def _advice(
    rule: Rule | None, episodes: Sequence[Episode], pages: Sequence[Delivery], period: Period, every: float
) -> Advice | None:
    """What a longer `for` of a rule would have spared: a page only if it was about nothing else. None for a rule
    that is gone."""
    over = [one for one in episodes if one.ended in period]
    if rule is None:
        return None
    true_for = {one.id: _true_for(one, rule, every) for one in over}
    longer = longer_for(list(true_for.values()), rule.terms.for_)
    if longer is None:
        return None
    spared = {id_ for id_, held in true_for.items() if held < longer}
    saved = [one for one in pages if spared.issuperset(one.paged)]
    night, _ = _at_night_and_weekend(saved, period)
    return Advice(longer, len(spared), len(over), len(saved), night)


def _true_for(episode: Episode, rule: Rule, every: float) -> float:
    """The longest time for which an episode that is over can have been true: up to the poll before it was found
    false."""
    held = (episode.ended or episode.since) - episode.since - every
    kept = min(terms.keep_firing_for for terms in rule.variants)
    return held if episode.why_ended else held - kept


def _acknowledged_after(episodes: Iterable[Episode], period: Period) -> Iterator[float]:
    """Seconds from the first accepted notification to the acknowledgement; from the beginning where there was none."""
    for one in episodes:
        said = one.acknowledgement
        if said is not None and said.at in period:
            yield max(0.0, said.at - (one.first_accepted or one.began))


def _times(durations: Iterable[float]) -> Times | None:
    found = list(durations)
    return Times(len(found), median(found), max(found)) if found else None


def _worst(severities: Iterable[str]) -> str:
    order = ("critical", "warning", "info")
    return min(severities, key=lambda one: order.index(one) if one in order else len(order), default="")


def _entities(episodes: Iterable[Episode], period: Period) -> tuple[EntityLine, ...]:
    """The entity with the most episodes first."""
    found: dict[tuple[str, str], list[Episode]] = defaultdict(list)
    for one in episodes:
        found[str(one.alert.kind), one.alert.entity].append(one)
    lines = [
        EntityLine(kind, group[-1].facts.entity, len(group), any(_fires_at(one, period.end) for one in group))
        for (kind, _), group in found.items()
    ]  # fmt: skip
    return tuple(sorted(lines, key=lambda one: (-one.episodes, one.kind, one.entity)))


def _receivers(messages: Iterable[Delivery], period: Period) -> tuple[ReceiverLine, ...]:
    by_receiver: dict[str, list[Delivery]] = defaultdict(list)
    for one in messages:
        by_receiver[one.receiver].append(one)
    lines = []
    for receiver, found in by_receiver.items():
        pages = [one for one in found if one.is_page]
        lines.append(ReceiverLine(receiver, len(pages), *_at_night_and_weekend(pages, period), len(found)))
    return tuple(sorted(lines, key=lambda one: (-one.pages, one.receiver)))


def _at_night_and_weekend(pages: Iterable[Delivery], period: Period) -> tuple[int, int]:
    instants = [period.local(one.at) for one in pages]
    return sum(map(NIGHT.covers, instants)), sum(map(WEEKEND.covers, instants))


def _days(episodes: Iterable[Episode], pages: Sequence[Delivery], period: Period) -> tuple[DayLine, ...]:
    """Every local day of the period, also those on which nothing fired."""
    began = Counter(period.local(one.began).date() for one in episodes if one.began in period)
    paged = Counter(period.local(one.at).date() for one in pages)
    nightly = Counter(period.local(one.at).date() for one in pages if NIGHT.covers(period.local(one.at)))
    first, last = period.local(period.start).date(), period.local(period.end - 0.001).date()
    days = [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]
    return tuple(DayLine(day, began[day], paged[day], nightly[day]) for day in days)


def _hours(pages: Iterable[Delivery], period: Period) -> tuple[int, ...]:
    counted = Counter(period.local(one.at).hour for one in pages)
    return tuple(counted[hour] for hour in range(24))


def _failed_targets(rows: Rows, period: Period) -> tuple[TargetLine, ...]:
    """Targets that did not take a message in the period, or fail at its end."""
    failed: dict[str, dict[float, Note]] = defaultdict(dict)  # one message is one line in each story it is about
    for note in rows.notes:
        if note.what == "failed":
            failed[note.target][note.at] = note
    health = {one.target: one for one in rows.targets}
    fails_now = {one.target for one in rows.targets if one.failing_since is not None}
    lines = []
    for target in {*failed, *fails_now}:
        notes = list(failed[target].values())
        known = health.get(target)
        last = notes[-1].text.partition(": ")[2] if notes else ""
        lines.append(
            TargetLine(
                receiver=known.receiver if known is not None else notes[-1].receiver,
                target=known.label if known is not None and known.label else target,
                failures=len(notes),
                refused=sum(one.text.startswith("refused for good") for one in notes),
                failing_since=_maybe(None if known is None else known.failing_since),
                last_error=(known.last_error if known is not None else "") or last,
            )
        )
    return tuple(sorted(lines, key=lambda one: (-one.failures, one.receiver, one.target)))


def _ending_silences(
    silences: Iterable[Silence], episodes: Sequence[Episode], period: Period
) -> tuple[SilenceLine, ...]:
    """Silences that end soon after the period while an alert they cover still fires; the first to end first."""
    soon = period.end + max(_SOON, period.end - period.start)
    firing = [one for one in episodes if _fires_at(one, period.end)]
    found = []
    for silence in silences:
        if silence.active(period.end) and silence.ends <= soon and not silence.episode:
            covered = [f"{one.alert.rule} on {one.facts.entity}" for one in firing if silence.matches(one.facts.labels)]
            if covered:
                found.append(_silence_line(silence, covered))
    return tuple(sorted(found, key=lambda one: one.ends))


def _unused_silences(
    silences: Iterable[Silence], episodes: Sequence[Episode], period: Period
) -> tuple[SilenceLine, ...]:
    """Silences that were active in the period while no alert that they match fired. One that is made for an episode
    matches it."""
    found = []
    for silence in silences:
        start, end = max(silence.starts, period.start), min(silence.ends, period.end)
        matched = (one for one in episodes if _overlaps(one, start, end) and silence.matches(one.facts.labels))
        if start < end and not silence.episode and not any(matched):
            found.append(_silence_line(silence, ()))
    return tuple(found)


def _silence_line(silence: Silence, covered: Iterable[str]) -> SilenceLine:
    return SilenceLine(silence.id, silence.text, _instant(silence.ends), silence.author, silence.comment,
                       tuple(sorted(covered)))  # fmt: skip


def _is_unused(mute: Mute, episodes: Sequence[Episode], period: Period) -> bool:
    """Whether a mute was on in the period while no alert that it selects fired."""
    active = list(_active_times(mute.schedule, period))
    selected = [one for one in episodes if mute.where.matches(one.facts.labels)]
    return bool(active) and not any(_overlaps(one, *times) for one in selected for times in active)


def _active_times(schedule: Schedule, period: Period) -> Iterator[tuple[float, float]]:
    """The stretches of the period in which a schedule is on."""
    at = period.start
    while at < period.end:
        # where no change is near, look again from a day later: a date may be further ahead
        edge = min(schedule.next_edge(at) or at + 86400.0, period.end)
        if schedule.active(at):
            yield at, edge
        at = edge


def _silent_rules(
    policy: Policy, fired: Mapping[str, object], last_fired: Mapping[str, float]
) -> tuple[SilentRule, ...]:
    """Enabled rules that did not fire; those that fired longest ago, or never, first."""
    silent = [
        rule.name for rule in policy.rules if rule.name not in fired and any(terms.enabled for terms in rule.variants)
    ]
    silent.sort(key=lambda name: (last_fired.get(name, 0.0), name))
    return tuple(SilentRule(name, _maybe(last_fired.get(name))) for name in silent)


def _overlaps(episode: Episode, start: float, end: float) -> bool:
    return episode.began < end and (episode.ended is None or episode.ended > start)


def _fires_at(episode: Episode, at: float) -> bool:
    return episode.began < at and (episode.ended is None or episode.ended >= at)


def _instant(at: float) -> datetime:
    return datetime.fromtimestamp(round(at, 3), UTC)


def _maybe(at: float | None) -> datetime | None:
    return None if at is None else _instant(at)

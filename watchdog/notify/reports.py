"""Reports at fixed times: when one is due, and the pending notifications it makes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from watchdog.notify.message import MessageKind
from watchdog.notify.pending import PendingNotification, ReportSpan
from watchdog.notify.records import Records
from watchdog.notify.routes import GroupKey, Routing
from watchdog.units import format_duration

#: Seconds after its time for which a report that was missed is still made.
_LATE = 86400.0
_EVERY_DAY = frozenset(range(7))
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class ReportSchedule:
    """A report over the last `since` seconds to the receivers `to`, at a minute of the local day on some days (0 =
    Monday)."""

    to: tuple[str, ...]
    minute: int
    days: frozenset[int] = _EVERY_DAY
    timezone: str = "UTC"
    since: float = 7 * 86400.0

    def __str__(self) -> str:
        """`the last 7d, mon 09:00 Europe/Paris`."""
        days = "" if self.days == _EVERY_DAY else ",".join(_DAYS[day] for day in sorted(self.days)) + " "
        clock = f"{self.minute // 60:02}:{self.minute % 60:02}"
        return f"the last {format_duration(self.since)}, {days}{clock} {self.timezone}"

    def last(self, now: float) -> float:
        """Its last time at or before `now`."""
        return max(at for at in self._times(now, range(-8, 1)) if at <= now)

    def next(self, now: float) -> float:
        """Its first time after `now`."""
        return min(at for at in self._times(now, range(9)) if at > now)

    def _times(self, now: float, days: Iterable[int]) -> Iterable[float]:
        zone = ZoneInfo(self.timezone)
        today = datetime.fromtimestamp(now, zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        for ahead in days:
            day = today + timedelta(days=ahead)
            if day.weekday() in self.days:
                # a wall clock that daylight saving skips is an hour later, of one it repeats the first counts
                yield (day + timedelta(minutes=self.minute)).replace(tzinfo=zone).timestamp()


def make_reports(
    records: Records, routing: Routing, schedules: Sequence[ReportSchedule], after: float, now: float
) -> None:
    """Make the reports whose time is in `(after, now]`, unless that is more than a day ago."""
    for schedule in schedules:
        at = schedule.last(now)
        if at <= after or now - at > _LATE:
            continue
        span = ReportSpan(at - schedule.since, at, schedule.timezone, schedule.to)
        for receiver in schedule.to:
            _enqueue(records, routing, receiver, span, now)


def hand_over_report(
    records: Records, routing: Routing, notification: PendingNotification, cause: str, now: float
) -> None:
    """Give the fallback a report that its receiver could not be sent, unless the fallback gets this report anyway."""
    span, fallback = notification.report, routing.fallback_of(notification.receiver)
    assert span is not None
    if fallback is not None and fallback not in span.to and not notification.is_fallback:
        _enqueue(records, routing, fallback, span, now, cause=cause)


def _enqueue(
    records: Records, routing: Routing, receiver: str, span: ReportSpan, now: float, *, cause: str = ""
) -> None:
    """One notification for each target, in a group of its own, so that it delays no alert. PagerDuty gets none: a
    report is no incident."""
    for target in routing.targets(receiver):
        if target in routing.pagerduty:
            continue
        records.add_notification(
            PendingNotification(
                id=records.next_notification,
                target=target,
                receiver=receiver,
                group=GroupKey(receiver, (("report", f"{span.start:.0f}-{span.end:.0f}"),)),
                kind=MessageKind.REPORT,
                items=(),
                created=now,
                next_try=now,
                cause=cause,
                is_fallback=bool(cause),
                report=span,
            )
        )

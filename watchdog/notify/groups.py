"""Groups: alerts that are told together to one receiver, and when. Timers of their own, not polls, flush them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from watchdog.notify.routes import GroupKey, Route


@dataclass(frozen=True, slots=True)
class Group:
    """One receiver's alerts with the same `group_by` values.

    `first`: when its first alert joined. `last_message`: the last flush that told something. `due`: the next flush,
    None when nothing waits. `repeat_from`: where the clock of `repeat_interval` starts.
    """

    key: GroupKey
    first: float
    wait: float
    interval: float
    repeat: float
    due: float | None = None
    last_message: float | None = None
    repeat_from: float | None = None

    @classmethod
    def begin(cls, key: GroupKey, route: Route, now: float) -> Group:
        return cls(key, now, route.group_wait, route.group_interval, route.repeat_interval, due=now + route.group_wait)

    @classmethod
    def following(cls, before: Group, key: GroupKey, route: Route) -> Group:
        """What an edited `group_by` or a rename makes of a group: its alerts were told, and its clocks go on."""
        return cls(key, before.first, route.group_wait, route.group_interval, route.repeat_interval,
                   last_message=before.last_message, repeat_from=before.repeat_from)  # fmt: skip

    def with_timings(self, route: Route) -> Group:
        """The same group under an edited route; a deadline that is already set stays."""
        timings = (route.group_wait, route.group_interval, route.repeat_interval)
        if timings == (self.wait, self.interval, self.repeat):
            return self
        return replace(self, wait=timings[0], interval=timings[1], repeat=timings[2])

    def changed(self, now: float) -> Group:
        """Something to tell came up at `now`: a flush that is already due keeps its time."""
        if self.due is not None:
            return self
        earliest = self.first + self.wait if self.last_message is None else self.last_message + self.interval
        return replace(self, due=max(now, earliest))

    def due_by(self, at: float) -> Group:
        """Flush at `at`, or earlier if it already has to."""
        return self if self.due is not None and self.due <= at else replace(self, due=at)

    def flushed(self, now: float, told: bool) -> Group:
        """After a flush at `now` that made a message, or found nothing to tell."""
        if not told:
            return replace(self, due=None)
        return replace(self, due=None, last_message=now, repeat_from=now)

    @property
    def reminder_due(self) -> float | None:
        """When the next reminder is due, if nothing changes until then; a `repeat_interval` of 0s means never."""
        return None if self.repeat_from is None or not self.repeat else self.repeat_from + self.repeat

"""Instants as the APIs and the pages print them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from watchdog.units import format_duration


def instant(at: float) -> datetime:
    return datetime.fromtimestamp(round(at, 3), UTC)


def instant_text(at: float) -> str:
    """RFC 3339."""
    return instant(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Moment:
    """`text` is the whole instant, `clock` the time of day (with the date, unless it is today's), `machine` for
    programs; `ago` is what the page says until its script counts on."""

    text: str
    clock: str
    machine: str
    ago: str

    @property
    def age(self) -> str:
        """How long ago, without the word."""
        return self.ago.removesuffix(" ago")


def moment(at: float, now: float) -> Moment:
    exact, today = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(now, UTC).date()
    ago = format_duration(float(round(abs(now - at))))
    return Moment(
        text=exact.strftime("%Y-%m-%d %H:%M:%S UTC"),
        clock=exact.strftime("%H:%M:%S UTC" if exact.date() == today else "%b %d, %H:%M:%S UTC"),
        machine=exact.strftime("%Y-%m-%dT%H:%M:%SZ"),
        ago=f"{ago} ago" if at <= now else f"in {ago}",
    )

"""Time lines: what a case expected and what happened, side by side, instant by instant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from watchdog.alerts.life import AlertKey
from watchdog.trials.cases import Case
from watchdog.trials.comparing import Compared, MessagePair, at_text, same_instant, with_text
from watchdog.trials.player import Played

_NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """One line: an instant, what was expected then and what happened; `line` of the expectation where they differ, 0
    where they do not. What the test itself does has no sides, only `event`."""

    at: float
    expected: str = ""
    actual: str = ""
    line: int = 0
    event: str = ""


def side_by_side(case: Case, played: Played, compared: Compared) -> str:
    """The rows as text; those that differ begin with `!` and name the line of their expectation."""
    rows = sorted(_rows(case, played, compared), key=lambda row: row.at)
    width = max(len("expected"), *(len(row.expected) for row in rows))
    lines = [f"      {'':>8}  {'expected':<{width}}  actual"]
    before = -1.0
    for row in rows:
        when, before = at_text(row.at) if row.at != before else "", row.at
        mark, line = ("!", f"   <- line {row.line}") if row.line else (" ", "")
        sides = f"-- {row.event}" if row.event else f"{row.expected:<{width}}  {row.actual}"
        lines.append(f"    {mark} {when:>8}  {sides}{line}".rstrip())
    return "\n".join(lines)


def _rows(case: Case, played: Played, compared: Compared) -> Iterator[Row]:
    yield from (Row(at, event=what) for at, what in _events(case, played) if at <= case.ends)
    asked = set()
    for alert in compared.alerts:
        one = alert.expected
        name = f"{one.rule} on {one.entity.id}"
        asked.add((one.at, AlertKey(one.rule, one.entity.kind, one.entity.id)))
        line = 0 if alert.fits else one.place.line
        yield Row(one.at, f"{name}: {one.state}", f"{name}: {alert.state}", line)
    # other alerts explain messages, and only those
    explained = {key for _, key in asked}
    for at, key, phase in played.changes:
        if (at, key) not in asked and (compared.messages or key in explained):
            yield Row(at, "", f"{key.rule} on {key.entity}: {phase}")
    for pair in compared.messages:
        yield from _of_messages(pair)


def _of_messages(pair: MessagePair) -> Iterator[Row]:
    """One row where both are at the same instant, else one each."""
    line = 0 if pair.fits else pair.place.line
    expected, told = pair.expected, pair.told
    wanted = "" if expected is None else f"to {expected.to}: {expected.kind}{with_text(expected)}"
    came = "" if told is None else f"to {told.to}: {told.kind}  {told.title}"
    if expected is not None and told is not None and same_instant(expected.at, told.at):
        yield Row(expected.at, wanted, came, line)
        return
    if expected is not None:
        yield Row(expected.at, wanted, _NOTHING, line)
    if told is not None:
        yield Row(told.at, _NOTHING, came, line)


def _events(case: Case, played: Played) -> Iterator[tuple[float, str]]:
    """What the test does to the world."""
    for restart in case.restarts:
        if restart.down == restart.up:
            yield restart.down, "restarted"
        else:
            yield from ((restart.down, "the watchdog goes down"), (restart.up, "the watchdog is up again"))
    spans = [(span, "the API is down", "the API is up again") for span in case.api_down]
    spans += [(span, f"{name} is down", f"{name} is up again") for name, span in case.receivers_down]
    spans += [(span, f"{key} is unobserved", f"{key} is observed again") for key, span in case.unobserved]
    spans += [(span, f"{key} is gone", f"{key} is back") for key, span in case.gone]
    for matchers, span in case.silences:
        what = ", ".join(map(str, matchers))
        spans.append((span, f"a silence begins: {what}", f"a silence ends: {what}"))
    for span, begins, ends in spans:
        yield from ((span.start, begins), (span.end, ends))
    yield from ((at, "other rules are loaded") for at, _ in case.reloads)
    yield from played.acks

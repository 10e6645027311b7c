"""Compares what a case expects with what happened, and prints both time lines side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from watchdog.alerts.lifecycle import AlertKey, Phase
from watchdog.configuration.places import Place
from watchdog.trials.cases import Case, ExpectedAlert, ExpectedMessage
from watchdog.trials.player import Played, Told
from watchdog.units import format_duration


@dataclass(frozen=True, slots=True)
class Failure:
    """One expectation that was not met, or something that nobody expected, and where it stands."""

    place: Place
    what: str
    details: tuple[str, ...] = ()  #: lines of more to read, such as the message that came instead


@dataclass(frozen=True, slots=True)
class AlertPair:
    """An expected state and the one the alert was in then; `why` says what made it so where they differ."""

    expected: ExpectedAlert
    state: Phase
    why: str = ""

    @property
    def fits(self) -> bool:
        return self.state is self.expected.state

    @property
    def failure(self) -> Failure:
        one = self.expected
        why = f": {self.why}" if self.why else ""
        what = f"{at_text(one.at)} {one.rule} on {one.entity.id}: expected {one.state}, is {self.state}{why}"
        return Failure(one.place, what)


@dataclass(frozen=True, slots=True)
class MessagePair:
    """An expected message and the one that came: for it, in its place, or for nothing that was expected."""

    expected: ExpectedMessage | None
    told: Told | None
    fits: bool
    place: Place

    @property
    def failure(self) -> Failure:
        one, told = self.expected, self.told
        if one is None:
            assert told is not None
            what = f"{at_text(told.at)} nobody expected '{told.kind}' to {told.to}: {told.title}"
            return Failure(self.place, what, told.details)
        what = f"{at_text(one.at)} no message '{one.kind}' to {one.to}{with_text(one)}"
        if told is None:
            return Failure(self.place, what)
        if not same_instant(told.at, one.at):
            return Failure(self.place, f"{what}; it came at {at_text(told.at)}")
        if told.kind != one.kind:
            return Failure(self.place, f"{what}; there is '{told.kind}': {told.title}", told.details)
        missing = ", ".join(repr(word) for word in one.contains if word not in told.text)
        return Failure(self.place, f"{what}; the one that came says nothing of {missing}:", (told.title, *told.details))


@dataclass(frozen=True, slots=True)
class Compared:
    """Everything a case looks at, in pairs."""

    alerts: tuple[AlertPair, ...]
    messages: tuple[MessagePair, ...]

    @property
    def failures(self) -> tuple[Failure, ...]:
        wrong = [(pair.expected.at, pair.failure) for pair in self.alerts if not pair.fits]
        for pair in self.messages:
            if not pair.fits:
                first = pair.expected or pair.told
                assert first is not None
                wrong.append((first.at, pair.failure))
        return tuple(failure for _, failure in sorted(wrong, key=lambda one: one[0]))


def compare(case: Case, played: Played) -> Compared:
    """Pairs of what was expected and what happened."""
    alerts = tuple(
        AlertPair(one, played.states.get((one.at, key), Phase.INACTIVE), played.whys.get((one.at, key), ""))
        for one in case.alerts
        for key in [AlertKey(one.rule, one.entity.kind, one.entity.id)]
    )
    return Compared(alerts, tuple(_messages(case, played.told)))


def _messages(case: Case, told: Iterable[Told]) -> list[MessagePair]:
    """Every expected message has to be there, and none besides, for the receivers that are looked at."""
    if case.messages is None:
        return []
    looked_at = [one for one in told if case.only is None or one.to in case.only]
    met = _matched(case.messages, looked_at)
    pairs = [MessagePair(case.messages[e], looked_at[t], True, case.messages[e].place) for e, t in met.items()]
    rest = [one for index, one in enumerate(looked_at) if index not in met.values()]
    for expected in (one for index, one in enumerate(case.messages) if index not in met):
        near = _nearest(expected, rest)
        if near is not None:
            rest.remove(near)
        pairs.append(MessagePair(expected, near, False, expected.place))
    return pairs + [MessagePair(None, one, False, case.messages_at or case.place) for one in rest]


def _matched(expected: Sequence[ExpectedMessage], told: Sequence[Told]) -> dict[int, int]:
    """Which message meets which expectation, as many as can: one that asks for little does not take the only message
    another one fits."""
    takers: dict[int, int] = {}  # message to expectation

    def place(index: int, tried: set[int]) -> bool:
        for at, one in enumerate(told):
            if at not in tried and _fits(expected[index], one):
                tried.add(at)
                if at not in takers or place(takers[at], tried):
                    takers[at] = index
                    return True
        return False

    for index in range(len(expected)):
        place(index, set())
    return {index: at for at, index in takers.items()}


def _fits(expected: ExpectedMessage, told: Told) -> bool:
    return (
        told.to == expected.to
        and told.kind == expected.kind
        and same_instant(told.at, expected.at)
        and all(word in told.text for word in expected.contains)
    )


def _nearest(expected: ExpectedMessage, rest: Iterable[Told]) -> Told | None:
    """What came instead: something else to that receiver at that instant, or the same at another."""
    ours = [one for one in rest if one.to == expected.to]
    then = [one for one in ours if same_instant(one.at, expected.at)]
    if then:
        return next((one for one in then if one.kind == expected.kind), then[0])
    alike = [one for one in ours if one.kind == expected.kind and all(word in one.text for word in expected.contains)]
    return min(alike, key=lambda one: abs(one.at - expected.at), default=None)


def same_instant(one: float, other: float) -> bool:
    """Whether two instants are the same but for rounding."""
    return abs(one - other) < 1e-3


def with_text(expected: ExpectedMessage) -> str:
    """` with 'prod-orders'` for what a message has to contain."""
    return f" with {', '.join(map(repr, expected.contains))}" if expected.contains else ""


def at_text(seconds: float) -> str:
    """An instant as test files write it, minutes first: `12m30s`."""
    if seconds < 1:
        return "0s" if not seconds else f"{seconds * 1000:.0f}ms"
    minutes, rest = divmod(round(seconds, 3), 60)
    return f"{minutes:.0f}m" + (f"{rest:g}s" if rest else "") if minutes else format_duration(rest)


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

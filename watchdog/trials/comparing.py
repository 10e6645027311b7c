"""Comparing: what a case expects and what happened when it was played, pair by pair."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from watchdog.alerts.life import AlertKey, Phase
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

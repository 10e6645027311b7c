"""The life of an alert against a plain twin that remembers every poll and, at each, reads its whole past again."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import event, given, settings
from hypothesis import strategies as st

from watchdog.alerts.lifecycle import AlertState, Change, Phase, Tick, step, unevaluated, verdict
from watchdog.rules.rule import Flapping, NoData, Terms
from watchdog.rules.verdicts import FALSE, TRUE, UNKNOWN

EVERY = 60.0
TEN_POLLS = 600.0


@dataclass(frozen=True)
class Seen:
    """A poll so many intervals after the one before; `observed` False: it could not judge this alert."""

    after: int
    observed: bool
    truth: int
    clear: int


@dataclass
class Twin:
    """An alert told sentence by sentence; slow, and nothing is kept but what happened."""

    terms: Terms
    flapping: Flapping | None
    has_clear: bool
    polls: list[tuple[float, int]] = field(default_factory=list)  # judged ones: instant, result
    phases: list[str] = field(default_factory=list)  # after each of them
    changes: list[float] = field(default_factory=list)  # beginnings and ends, the one that was not told too
    flaps: bool = False
    flapped: int = 0  # how often that began
    dark: list[float] = field(default_factory=list)  # since when a firing alert had no judged poll

    @property
    def phase(self) -> str:
        return self.phases[-1] if self.phases else "inactive"

    def poll(self, now: float, truth: int, clear: int) -> None:
        gap = now - self.polls[-1][0] if self.polls else 0.0
        if self.phase == "firing" and gap > max(self.terms.for_, TEN_POLLS):
            self.dark.append(self.polls[-1][0])
        result = self.result(truth, clear)
        self.polls.append((now, result))
        self.phases.append(self.next_phase(now, result))

    def result(self, truth: int, clear: int) -> int:
        found = truth
        if self.phase == "firing" and self.has_clear:
            if truth == TRUE or clear == FALSE:
                found = TRUE
            elif truth == FALSE and clear == TRUE:
                found = FALSE
            else:
                found = UNKNOWN
        if found == UNKNOWN and self.terms.no_data is NoData.ALERT:
            return TRUE
        if found == UNKNOWN and self.terms.no_data is NoData.OK:
            return FALSE
        return found

    def next_phase(self, now: float, result: int) -> str:
        if self.phase == "firing":
            return self.while_firing(now, result)
        if result == TRUE:
            return self.begins(now) if now - self.pending_since() >= self.terms.for_ else "pending"
        if result == FALSE and self.phase == "pending":
            return "inactive"
        return self.phase

    def begins(self, now: float) -> str:
        self.changes.append(now)
        self.flaps = self.too_many(now)
        self.flapped += self.flaps
        return "firing"

    def while_firing(self, now: float, result: int) -> str:
        if result != FALSE or now - self.false_since() < self.terms.keep_firing_for:
            return "firing"
        if self.flapping and self.flaps:
            if now - self.last_true() < self.flapping.within / 2:
                return "firing"
            self.changes.append(now)
            self.flaps = False
            return "resolved"
        self.changes.append(now)
        if self.too_many(now):
            self.flaps = True
            self.flapped += 1
            return "firing"
        return "resolved"

    def too_many(self, now: float) -> bool:
        """Whether the change of now is the sixth, or a later one, within the hour."""
        if self.flapping is None:
            return False
        return len([at for at in self.changes if now - at < self.flapping.within]) >= self.flapping.changes

    # -- the past, read anew

    def pending_since(self) -> float:
        """The first true poll of this pending stretch, or the end of the last gap in it."""
        stretch = [self.polls[-1]]
        for poll, phase in zip(reversed(self.polls[:-1]), reversed(self.phases), strict=True):
            if phase != "pending":
                break
            stretch.insert(0, poll)
        since = stretch[0][0]
        for (before, _), (after, _) in pairwise(stretch):
            if after - before > max(self.terms.for_, TEN_POLLS):
                since = after
        return since

    def false_since(self) -> float:
        """The first false poll after the last true one."""
        return next(at for at, result in self.polls if result == FALSE and at > self.last_true())

    def last_true(self) -> float:
        return max(at for at, result in self.polls if result == TRUE)


truths = st.sampled_from([TRUE, TRUE, FALSE, FALSE, UNKNOWN])
seen = st.builds(
    Seen,
    after=st.sampled_from([1] * 12 + [2, 9, 10, 11, 15, 30, 31]),
    observed=st.sampled_from([True] * 5 + [False]),
    truth=truths,
    clear=truths,
)
terms = st.builds(
    Terms,
    for_=st.sampled_from([0.0, 0.0, 60.0, 90.0, 180.0, 900.0]),
    keep_firing_for=st.sampled_from([0.0, 0.0, 60.0, 150.0, 1200.0]),
    no_data=st.sampled_from(list(NoData)),
)


@settings(max_examples=500)
@given(
    polls=st.lists(seen, min_size=1, max_size=50),
    terms=terms,
    flapping=st.sampled_from([None, Flapping(2, 240), Flapping(3, 480), Flapping(4, 1200), Flapping()]),
    has_clear=st.booleans(),
)
def test_an_alert_lives_as_its_twin(
    polls: list[Seen], terms: Terms, flapping: Flapping | None, has_clear: bool
) -> None:
    twin = Twin(terms, flapping, has_clear)
    state, previous, now = AlertState(), None, 0.0
    told: list[Change] = []
    for poll in polls:
        now += poll.after * EVERY
        tick = Tick(now, previous, EVERY)
        previous = now
        if not poll.observed:
            # as the cycle does: only of alerts that live it is remembered when they were judged last
            live = state.phase in (Phase.PENDING, Phase.FIRING)
            state = unevaluated(state, tick) if live else state
            continue
        result = verdict(state, poll.truth, poll.clear if has_clear else None, terms.no_data)
        state, changes = step(state, result, terms, flapping, tick)
        twin.poll(now, poll.truth, poll.clear)
        told += changes
        assert (str(state.phase), state.flapping) == (twin.phase, twin.phase == "firing" and twin.flaps)
        if state.phase is Phase.FIRING:
            assert state.dark_since == (twin.dark[-1] if twin.dark and twin.dark[-1] >= (state.began or 0.0) else None)
    assert (told.count(Change.DARK), told.count(Change.FLAPPING)) == (len(twin.dark), twin.flapped)
    assert told.count(Change.BEGAN) == sum(
        after == "firing" != before for before, after in zip(["inactive", *twin.phases], twin.phases, strict=False)
    )
    event(f"phases: {len(set(twin.phases))}, flapped: {Change.FLAPPING in told}, dark: {bool(twin.dark)}")

"""The life of one alert, poll by poll: every sentence of it is a row or a timeline."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.alerts.lifecycle import AlertState, Change, Phase, Tick, step, unevaluated, verdict
from watchdog.rules.rule import Flapping, NoData, Terms
from watchdog.rules.verdicts import FALSE, TRUE, UNKNOWN

EVERY = 60.0
LETTERS = {"T": TRUE, "F": FALSE, "?": UNKNOWN}
SHOWN = {Phase.INACTIVE: "i", Phase.PENDING: "p", Phase.FIRING: "f", Phase.RESOLVED: "r"}


@dataclass
class Line:
    """One alert under a hand-moved clock: `play` takes a letter a poll (T F ? and x: unobserved, - : no poll)."""

    terms: Terms = field(default_factory=Terms)
    flapping: Flapping | None = None
    state: AlertState = field(default_factory=AlertState)
    now: float = 0.0
    previous: float | None = None
    changes: list[tuple[float, Change]] = field(default_factory=list)

    def play(self, polls: str) -> str:
        shown = ""
        for letter in polls:
            if letter != "-":
                tick = Tick(self.now, self.previous, EVERY)
                if letter == "x":
                    self.state = unevaluated(self.state, tick)
                else:
                    result = verdict(self.state, LETTERS[letter], None, self.terms.no_data)
                    self.state, changes = step(self.state, result, self.terms, self.flapping, tick)
                    self.changes += [(self.now, change) for change in changes]
                self.previous = self.now
                shown += SHOWN[self.state.phase]
            self.now += EVERY
        return shown


@pytest.mark.parametrize(
    ("why", "terms", "polls", "phases"),
    [
        ("without `for` the first true poll fires", Terms(), "FTTF", "iffr"),
        ("one poll short of `for` is still pending", Terms(for_=180), "TTTT", "pppf"),
        ("exactly `for` fires", Terms(for_=60), "TT", "pf"),
        ("a false poll while pending forgets it", Terms(for_=120), "TFTTT", "pippf"),
        ("unknown while pending lets the clock go on", Terms(for_=120), "T?T", "ppf"),
        ("it fires only on a true poll", Terms(for_=120), "T????T", "pppppf"),
        ("unknown never resolves", Terms(), "T????", "fffff"),
        ("keep_firing_for counts from the first false poll", Terms(keep_firing_for=120), "TFFF", "fffr"),
        ("a true poll ends the run of false polls", Terms(keep_firing_for=120), "TFFTFFF", "ffffffr"),
        ("an unknown poll does not end the run of false polls", Terms(keep_firing_for=120), "TF?F", "fffr"),
        ("an unknown poll does not resolve, however late", Terms(keep_firing_for=60), "TF???F", "fffffr"),
        ("no_data alert: unknown counts as true", Terms(for_=60, no_data=NoData.ALERT), "???F", "pffr"),
        ("no_data ok: unknown counts as false", Terms(no_data=NoData.OK), "T?", "fr"),
        ("resolved stays so until it is true again", Terms(for_=60), "TTFFTT", "pfrrpf"),
        ("after an episode, a pending that calms down is inactive", Terms(for_=60), "TTFTF", "pfrpi"),
        ("unobserved polls change nothing", Terms(for_=120), "TxxT", "pppf"),
    ],
)
def test_phases(why: str, terms: Terms, polls: str, phases: str) -> None:
    assert Line(terms).play(polls) == phases, why


@pytest.mark.parametrize(
    ("why", "for_", "gap", "fires_after"),
    [
        ("a gap of ten polls keeps the clock", 120.0, "x" * 9, "f"),
        ("a gap longer than `for` and ten polls starts it anew", 120.0, "x" * 10, "p"),
        ("a gap longer than ten polls but not than `for` keeps it", 780.0, "x" * 12, "f"),
        ("polls that never came count as a gap", 120.0, "-" * 10, "p"),
    ],
)
def test_gaps_while_pending(why: str, for_: float, gap: str, fires_after: str) -> None:
    assert Line(Terms(for_=for_)).play("T" + gap + "T")[-1] == fires_after, why


def test_a_firing_alert_survives_a_long_gap_and_says_since_when() -> None:
    line = Line(Terms(keep_firing_for=600))
    line.play("TTF" + "x" * 20 + "F")
    assert line.state.phase is Phase.RESOLVED, "its run of false polls goes on through the gap"
    assert (23 * EVERY, Change.DARK) in line.changes
    assert line.state.dark_since == 2 * EVERY


CLEAR = [
    ("true expr is true whatever clear says", TRUE, TRUE, TRUE),
    ("false expr alone does not end it while clear is false", FALSE, FALSE, TRUE),
    ("both needed to end", FALSE, TRUE, FALSE),
    ("unknown clear keeps it", FALSE, UNKNOWN, UNKNOWN),
    ("unknown expr and clear true keeps it", UNKNOWN, TRUE, UNKNOWN),
    ("unknown expr and clear false is true", UNKNOWN, FALSE, TRUE),
]


@pytest.mark.parametrize(("why", "truth", "clear", "result"), CLEAR)
def test_clear_while_firing(why: str, truth: int, clear: int, result: int) -> None:
    assert verdict(AlertState(phase=Phase.FIRING), truth, clear, NoData.KEEP) == result, why


@pytest.mark.parametrize("phase", [Phase.INACTIVE, Phase.PENDING, Phase.RESOLVED])
@pytest.mark.parametrize("clear", [TRUE, FALSE, UNKNOWN])
def test_clear_counts_only_while_firing(phase: Phase, clear: int) -> None:
    assert verdict(AlertState(phase=phase), FALSE, clear, NoData.KEEP) == FALSE


def test_no_data_applies_once_to_the_result() -> None:
    # expr false and clear unknown: the result is unknown, and only that is turned into false
    assert verdict(AlertState(phase=Phase.FIRING), FALSE, UNKNOWN, NoData.OK) == FALSE
    assert verdict(AlertState(phase=Phase.FIRING), UNKNOWN, FALSE, NoData.OK) == TRUE


class TestFlapping:
    def test_the_sixth_change_being_an_end_is_not_told(self) -> None:
        line = Line(flapping=Flapping(6, 3600))
        assert line.play("TFTFTF") == "frfrff"
        assert line.changes[-1] == (300, Change.FLAPPING)
        assert line.state.flapping

    def test_the_sixth_change_being_a_beginning_fires_flapping(self) -> None:
        line = Line(Terms(keep_firing_for=0), Flapping(5, 3600))
        assert line.play("TFTFT") == "frfrf"
        assert line.changes[-2:] == [(240, Change.BEGAN), (240, Change.FLAPPING)]

    def test_it_ends_on_the_first_false_poll_half_a_window_after_the_last_true_one(self) -> None:
        line = Line(flapping=Flapping(6, 3600))
        line.play("TFTFTF")  # true last at 240
        assert line.play("F" * 28) == "f" * 28, "up to 33 minutes: 29 minutes after the last true poll"
        assert line.play("F") == "r"
        assert line.now - EVERY == 240 + 1800

    def test_a_true_poll_starts_the_half_window_again(self) -> None:
        line = Line(flapping=Flapping(6, 3600))
        line.play("TFTFTF" + "F" * 20 + "T")  # true last at 26 minutes
        assert "r" not in line.play("F" * 29)
        assert line.play("F") == "r"

    def test_changes_outside_the_window_do_not_count(self) -> None:
        line = Line(flapping=Flapping(6, 600))
        assert line.play("TFTF" + "F" * 10 + "TF")[-2:] == "fr"

    def test_a_change_exactly_the_window_ago_does_not_count(self) -> None:
        assert Line(flapping=Flapping(2, 120)).play("TTF") == "ffr"
        assert Line(flapping=Flapping(2, 121)).play("TTF") == "fff"

    def test_off_means_never(self) -> None:
        assert Line().play("TF" * 10)[-1] == "r"


@given(
    polls=st.text(alphabet="TF?x-", max_size=60),
    for_=st.sampled_from([0.0, 60.0, 180.0]),
    keep=st.sampled_from([0.0, 120.0]),
    flapping=st.sampled_from([None, Flapping(3, 600), Flapping()]),
    no_data=st.sampled_from(list(NoData)),
)
def test_beginnings_and_ends_alternate(
    polls: str, for_: float, keep: float, flapping: Flapping | None, no_data: NoData
) -> None:
    line = Line(Terms(for_=for_, keep_firing_for=keep, no_data=no_data), flapping)
    line.play(polls)
    told = [change for _, change in line.changes if change in (Change.BEGAN, Change.ENDED)]
    assert told == [Change.BEGAN, Change.ENDED] * (len(told) // 2) + [Change.BEGAN] * (len(told) % 2)
    assert (line.state.phase is Phase.FIRING) == (len(told) % 2 == 1)


@given(polls=st.text(alphabet="T?", min_size=1, max_size=40))
def test_nothing_but_a_false_poll_ends_an_alert(polls: str) -> None:
    line = Line()
    line.play("T" + polls)
    assert line.state.phase is Phase.FIRING


@given(polls=st.text(alphabet="?x", max_size=40))
def test_a_steady_alert_keeps_the_very_same_state(polls: str) -> None:
    line = Line()
    line.play("TT")
    before = line.state
    line.play("T" * 20)
    assert line.state is before, "nothing to save while nothing changes"

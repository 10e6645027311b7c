"""The report of a period: tables of what the database keeps, and what is counted from it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

import pytest

from watchdog.alerts.episodes import Acknowledgement, Episode, Facts, Note
from watchdog.alerts.lifecycle import AlertKey
from watchdog.alerts.silences import Matcher, Silence
from watchdog.configuration.files import load_texts
from watchdog.cycle.policy import Policy
from watchdog.cycle.state import TargetHealth
from watchdog.readings.fleet import Kind
from watchdog.reports.builder import report_of
from watchdog.reports.html import html_page
from watchdog.reports.pages import deliveries
from watchdog.reports.report import Period, Report, Rows, Times
from watchdog.reports.text import plain_text

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
#: Monday 2026-01-05, midnight in UTC.
START = 1767571200.0
WEEK = Period(START, START + 7 * DAY)


def episode(
    began: float,
    ended: float | None = None,
    *,
    rule: str = "Lag",
    entity: str = "prod",
    acknowledged: float | None = None,
    notified: bool = True,
    flapping: bool = False,
    severity: str = "warning",
) -> Episode:
    """Instants are seconds after the start of the week."""
    said = None if acknowledged is None else Acknowledgement(START + acknowledged, "eva")
    labels = {"name": entity, "alertname": rule, "severity": severity}
    return Episode(
        f"{rule}-{entity}-{began}",
        AlertKey(rule, Kind.SOURCE, entity),
        START + began,
        START + began,
        Facts(labels, entity),
        ended=None if ended is None else START + ended,
        acknowledgement=said,
        first_accepted=START + began if notified else None,
        flapping=flapping,
    )


def note(at: float, what: str, text: str = "", *, receiver: str = "team", target: str = "t1", of: str = "e") -> Note:
    return Note(START + at, AlertKey("Lag", Kind.SOURCE, of), of, what, text, receiver, target)


def silence(starts: float, ends: float, *, name: str, episode: str = "") -> Silence:
    return Silence(f"id-{name}", (Matcher("name", name),), START + starts, START + ends, "eva", "", START, episode)


def policy(text: str) -> Policy:
    return load_texts({"rules.yaml": text}, {})


TWO_RULES = """
rules:
  - {alert: Lag, each: source, expr: recordsLag > 5}
  - {alert: Never, each: source, expr: recordsLag > 6}
  - {alert: Off, each: source, expr: recordsLag > 7, enabled: false}
"""


def of(*episodes: Episode, notes: Iterable[Note] = (), **more: object) -> Report:
    return report_of(Rows(episodes, tuple(notes), **more), Policy(), WEEK, MINUTE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("why", "episodes", "counted"),
    [
        ("began and ended in the week", [episode(1, 2)], (1, 0, 0)),
        ("began before and ended in it", [episode(-5, 2)], (0, 1, 0)),
        ("began before and still fires", [episode(-5)], (0, 1, 1)),
        ("ends after the week", [episode(5, 8 * DAY)], (1, 0, 1)),
        ("ended before it", [episode(-5, -1)], None),
        ("begins after it", [episode(8 * DAY)], None),
    ],
)
def test_episodes_belong_to_the_period_they_fire_in(why: str, episodes: list[Episode], counted: object) -> None:
    lines = of(*episodes).rules
    found = [(one.episodes, one.carried_over, one.firing) for one in lines]
    assert found == ([] if counted is None else [counted]), why


def test_times_to_acknowledge_and_to_end_are_those_of_the_period() -> None:
    made = of(
        episode(0, 10 * MINUTE, acknowledged=2 * MINUTE),
        episode(HOUR, HOUR + 30 * MINUTE, acknowledged=HOUR + 4 * MINUTE),
        episode(2 * HOUR, 2 * HOUR + 5 * MINUTE),
        episode(-DAY, -HOUR, acknowledged=-2 * HOUR),
        episode(-DAY, 9 * DAY, acknowledged=-HOUR),
    )
    assert made.to_acknowledge == Times(2, 3 * MINUTE, 4 * MINUTE)
    assert made.to_end == Times(3, 10 * MINUTE, 30 * MINUTE)


def test_what_resolved_before_anybody_acknowledged_counts_where_somebody_was_notified() -> None:
    made = of(episode(0, 9), episode(10, 19, acknowledged=15), episode(20, 29, notified=False), episode(30))
    assert (made.ended_unacknowledged, made.ended_notified) == (1, 2)


def test_entities_flapping_and_escalations_are_counted_by_rule() -> None:
    made = of(
        episode(1, 2, entity="a"),
        episode(3, 4, entity="b", flapping=True),
        episode(5, 6, entity="b", severity="critical"),
        notes=[note(3, "escalated", receiver="lead")],
    )
    (line,) = made.rules
    assert [(one.entity, one.episodes) for one in line.entities] == [("b", 2), ("a", 1)]
    assert (line.flapping, line.escalations, line.severity) == (1, 1, "critical")


@pytest.mark.parametrize(
    ("why", "notes", "found"),
    [
        ("a beginning is a page", [note(1, "told", "begin")], [("team", True)]),
        ("so is a reminder after a silence", [note(1, "told", "silence x has ended; remind")], [("team", True)]),
        ("an end is none", [note(1, "told", "end")], [("team", False)]),
        ("nor is what was missed", [note(1, "missed", "begin")], [("team", False)]),
        ("an unknown outcome counts as accepted", [note(1, "unknown", "begin")], [("team", True)]),
        ("what failed was not delivered", [note(1, "failed", "will be tried again: x")], []),
        ("one message about two episodes is one", [note(1, "told", "begin"), note(1, "told", "begin", of="f")],
         [("team", True)]),
        ("two targets of one receiver are notified once",
         [note(1, "told", "begin"), note(2, "told", "begin", target="t2")], [("team", True)]),
        ("each receiver counts",
         [note(1, "told", "begin"), note(2, "told", "begin", target="t2", receiver="lead")],
         [("team", True), ("lead", True)]),
        ("every reminder is another one", [note(1, "told", "remind"), note(2, "told", "remind")],
         [("team", True), ("team", True)]),
    ],
)  # fmt: skip
def test_messages_are_rebuilt_from_the_history(why: str, notes: list[Note], found: list[object]) -> None:
    assert [(one.receiver, one.is_page) for one in deliveries(notes)] == found, why


@pytest.mark.parametrize(
    ("at", "night", "weekend"),
    [
        (datetime(2026, 1, 5, 20, 59, tzinfo=UTC), 0, 0),
        (datetime(2026, 1, 5, 21, 0, tzinfo=UTC), 1, 0),  # 22:00 in Paris
        (datetime(2026, 1, 6, 5, 59, tzinfo=UTC), 1, 0),
        (datetime(2026, 1, 6, 6, 0, tzinfo=UTC), 0, 0),
        (datetime(2026, 1, 9, 23, 30, tzinfo=UTC), 1, 1),  # Saturday in Paris
        (datetime(2026, 1, 11, 12, 0, tzinfo=UTC), 0, 1),
    ],
)
def test_nights_and_weekends_are_local(at: datetime, night: int, weekend: int) -> None:
    paris = Period(START, START + 7 * DAY, "Europe/Paris")
    told = note(at.timestamp() - START, "told", "begin")
    made = report_of(Rows((), (told,)), Policy(), paris, MINUTE)
    assert (made.pages, made.pages_at_night, made.pages_at_weekend) == (1, night, weekend)
    assert made.hours[(at.hour + 1) % 24] == 1


def test_every_day_of_the_period_has_its_line() -> None:
    made = of(episode(DAY + 1, DAY + 9), notes=[note(DAY + 1, "told", "begin")])
    assert [one.day for one in made.days] == [date(2026, 1, day) for day in range(5, 12)]
    assert [(one.episodes, one.pages) for one in made.days] == [(0, 0), (1, 1), *[(0, 0)] * 5]


def test_targets_that_failed_are_named_by_their_labels() -> None:
    ill = TargetHealth("t1", "team", "slack://T…", failing_since=START + 9, last_error="no route")
    made = of(
        notes=[note(1, "failed", "will be tried again: no route"), note(1, "failed", "will be tried again: no route", of="f"),
               note(5, "failed", "refused for good: 404")],
        targets=[ill, TargetHealth("t2", "team", "fine")],
    )  # fmt: skip
    (line,) = made.failed_targets
    assert (line.receiver, line.target, line.failures, line.refused) == ("team", "slack://T…", 2, 1)
    assert line.last_error == "no route"


def test_silences_that_matched_nothing_and_those_that_end_too_early() -> None:
    silences = [
        silence(0, HOUR, name="prod"),  # over before prod fired
        silence(2 * HOUR, 3 * HOUR, name="prod"),
        silence(2 * HOUR, 8 * DAY, name="prod"),
        silence(2 * HOUR, 30 * DAY, name="prod"),  # ends too late to worry
        silence(0, HOUR, name="mine", episode="some-episode"),
        silence(8 * DAY, 9 * DAY, name="later"),
    ]
    made = of(episode(2 * HOUR), silences=silences)
    assert [one.ends.timestamp() - START for one in made.unused_silences] == [HOUR]
    (ending,) = made.ending_silences
    assert (ending.ends.timestamp() - START, ending.firing) == (8 * DAY, ("Lag on prod",))


@pytest.mark.parametrize(
    ("why", "began", "mute", "unused"),
    [
        ("it was on while the alert fired", 23 * HOUR, '["22:00-06:00"]', []),
        ("the alert fired before it came on", 20 * HOUR, '["22:00-06:00"]', ["m"]),
        ("it had no time in this week", 23 * HOUR, '["12-24"]', []),
    ],
)
def test_mutes_that_matched_nothing(why: str, began: float, mute: str, unused: list[str]) -> None:
    muted = policy(f"{TWO_RULES}\nmutes: [{{name: m, where: {{name: prod}}, times: {mute}}}]")
    made = report_of(Rows((episode(began, began + HOUR),)), muted, WEEK, MINUTE)
    assert list(made.unused_mutes) == unused, why


def test_enabled_rules_that_did_not_fire_say_when_they_last_did() -> None:
    made = report_of(Rows((), last_fired={"Lag": START - DAY}), policy(TWO_RULES), WEEK, MINUTE)
    assert [(one.alert, one.last_fired) for one in made.silent_rules] == [
        ("Never", None),
        ("Lag", datetime(2026, 1, 4, tzinfo=UTC)),
    ]


def test_the_noisiest_rule_comes_first() -> None:
    told = Note(START + 3, AlertKey("Loud", Kind.SOURCE, "x"), "Loud-x", "told", "begin", "team", "t1")
    loud, quiet = episode(3, 4, rule="Loud", entity="x"), [episode(1, 2), episode(5, 6)]
    made = report_of(Rows((loud, *quiet), (told,)), Policy(), WEEK, MINUTE)
    assert [(one.alert, one.pages) for one in made.rules] == [("Loud", 1), ("Lag", 0)]


SHORT, LONG = 4 * MINUTE, 40 * MINUTE


@pytest.mark.parametrize(
    ("why", "rule", "lasted", "says"),
    [
        ("most were short", "for: 1m", [SHORT, SHORT, LONG],
         "2 of 3 episodes were shorter than 5m; `for: 5m` would have left 1 and spared 2 pages, 1 at night"),
        ("few were", "for: 1m", [SHORT, LONG, 3 * LONG], "2 of 3 episodes were shorter than 1h; `for: 1h` would have left 1 "
         "and spared 2 pages, 1 at night"),
        ("none were", "for: 1m", [90 * MINUTE, 90 * MINUTE], None),
        ("one says little", "for: 1m", [SHORT], None),
        ("it waits as long already", "for: 1h", [SHORT, SHORT], None),
        ("what still fires may go on", "for: 1m", [SHORT, None], None),
        ("a resolved one was false for some time", "for: 1m, keep_firing_for: 10m", [14 * MINUTE, 14 * MINUTE],
         "2 of 2 episodes were shorter than 5m; `for: 5m` would have left 0 and spared 2 pages, 1 at night"),
    ],
)  # fmt: skip
def test_what_a_longer_for_would_have_spared(why: str, rule: str, lasted: list[float | None], says: str | None) -> None:
    begins = [HOUR, 12 * HOUR, 15 * HOUR][: len(lasted)]
    episodes = [episode(at, None if long is None else at + long) for at, long in zip(begins, lasted, strict=True)]
    told = [note(at, "told", "begin", of=one.id) for at, one in zip(begins, episodes, strict=True)]
    ruled = policy(f"rules: [{{alert: Lag, each: source, expr: recordsLag > 5, {rule}}}]")
    (line,) = report_of(Rows(episodes, told), ruled, WEEK, MINUTE).rules
    assert (None if line.advice is None else str(line.advice)) == says, why


def test_a_page_that_tells_of_another_alert_as_well_is_not_spared() -> None:
    short, short_too, long = episode(0, SHORT), episode(HOUR, HOUR + SHORT), episode(HOUR, HOUR + LONG, entity="other")
    told = [note(9, "told", "begin", of=short.id), *(note(HOUR, "told", "begin", of=one.id) for one in (short_too, long))]
    ruled = policy("rules: [{alert: Lag, each: source, expr: recordsLag > 5}]")
    (line,) = report_of(Rows((short, short_too, long), told), ruled, WEEK, MINUTE).rules
    assert line.advice is not None
    assert (line.advice.shorter, line.advice.pages_spared) == (2, 1)


def test_a_page_that_tells_of_another_rule_as_well_is_not_spared() -> None:
    short, short_too, other = episode(0, SHORT), episode(HOUR, HOUR + SHORT), episode(HOUR, HOUR + 9, rule="Other")
    told = [note(9, "told", "begin", of=short.id), note(HOUR, "told", "begin", of=short_too.id),
            Note(START + HOUR, other.alert, other.id, "told", "begin", "team", "t1")]  # fmt: skip
    ruled = policy("rules: [{alert: Lag, each: source, expr: recordsLag > 5}]")
    lines = report_of(Rows((short, short_too, other), told), ruled, WEEK, MINUTE).rules
    assert [(one.alert, one.pages, one.advice and one.advice.pages_spared) for one in lines] == [
        ("Lag", 2, 1),
        ("Other", 1, None),
    ]


def test_of_a_long_period_only_the_days_with_something_are_listed() -> None:
    rows = Rows((episode(1, 2), episode(80 * DAY, 80 * DAY + 1)))
    shown = plain_text(report_of(rows, Policy(), Period(START, START + 90 * DAY), MINUTE))
    assert "Mon 05 Jan         1      0\nThu 26 Mar         1      0\n\n" in shown


def test_a_quiet_week_says_so() -> None:
    assert "Nothing fired." in plain_text(of())
    assert "Nothing fired." in html_page(of())


def test_text_and_page_say_the_same_and_names_cannot_break_the_page() -> None:
    made = of(
        episode(1, 2, entity="<img src=x onerror=alert(1)>"),
        episode(3, 9 * DAY, entity="b"),
        notes=[note(1, "told", "begin"), note(DAY, "failed", "will be tried again: <b>")],
        silences=[silence(0, HOUR, name="<none>")],
    )
    text, page = plain_text(made), html_page(made)
    assert max(map(len, text.splitlines())) <= 80
    for words in ("2 alerts fired; 1 still fires.", "1 page reached somebody", "Targets that failed", "b (still fires)"):
        assert words in text
        assert words in page
    assert "<img" not in page
    assert "<b>)" not in page
    assert "<none>" not in page
    for outside in ("<script", "http://", "https://", "url(", "<link"):
        assert outside not in page

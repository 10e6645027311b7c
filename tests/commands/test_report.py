"""`watchdog report`: from a database to a terminal, a page and JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sinks.http import HttpSink, Reply

from watchdog.alerts.episodes import Episode, Facts, Note
from watchdog.alerts.lifecycle import AlertKey
from watchdog.commands.report import report
from watchdog.cycle.state import Changes
from watchdog.errors import ConfigError
from watchdog.readings.fleet import Kind
from watchdog.store.store import Store

RULES = """
rules:
  - {alert: Lag, each: source, expr: recordsLag > 5}
  - {alert: Never, each: source, expr: recordsLag > 6}
"""
LAG = AlertKey("Lag", Kind.SOURCE, "s1")


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    url = f"sqlite:///{tmp_path}/watchdog.db"
    monkeypatch.setenv("WATCHDOG_DATABASE_URL", url)
    now = time.time()
    store = Store.open(url, name="one")
    one = Episode(
        "e", LAG, now - 900, now - 600, Facts({"severity": "critical"}, "prod"), now - 60, first_accepted=now - 590
    )
    old = Episode("o", LAG, now - 20 * 86400, now - 20 * 86400, Facts({}, "prod"), now - 19 * 86400)
    told = Note(now - 590, LAG, "e", "told", "begin", "team", "t1")
    store.commit(Changes(episodes={"e": one, "o": old}, notes=[told]))
    store.save_configuration("f", {"rules.yaml": RULES}, now)
    store.close()
    return tmp_path


def test_the_terminal_and_json(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(since="7d", timezone="UTC", html=None, send=None, as_json=False) == 0
    shown = capsys.readouterr().out
    assert "1 alert fired." in shown
    assert "Rules that did not fire\n  Never\n" in shown
    assert report(since="7d", timezone="UTC", html=None, send=None, as_json=True) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [(one["alert"], one["episodes"], one["pages"]) for one in printed["rules"]] == [("Lag", 1, 1)]
    assert printed["end"].endswith("Z")
    assert printed["to_end"] == {"count": 1, "median": 540.0, "longest": 540.0}


def test_the_page_is_a_file(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = database / "report.html"
    assert report(since="30d", timezone="Europe/Paris", html=page, send=None, as_json=False) == 0
    assert capsys.readouterr() == ("", f"wrote {page}\n")
    assert "2 alerts fired." in page.read_text()


@pytest.mark.parametrize(
    ("since", "timezone", "html", "says"),
    [
        ("soon", "UTC", None, "--since: 'soon' is not a duration"),
        ("0s", "UTC", None, "--since: '0s' is no time at all; write a duration, e.g. 7d"),
        (
            "7d",
            "Europe/Pariss",
            None,
            "--timezone: 'Europe/Pariss' is not a time zone; write one like Europe/Paris; did you mean 'Europe/Paris'?",
        ),
        ("7d", "UTC", Path("/nowhere/report.html"), "--html /nowhere/report.html: cannot be written"),
    ],
)
def test_what_cannot_be_used_is_named(database: Path, since: str, timezone: str, html: Path | None, says: str) -> None:
    with pytest.raises(ConfigError) as found:
        report(since=since, timezone=timezone, html=html, send=None, as_json=False)
    assert says in str(found.value)


def test_what_the_history_does_not_reach_is_said(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report(since="60d", timezone="UTC", html=None, send=None, as_json=False)
    assert "the database keeps 30d after an alert has resolved (WATCHDOG_HISTORY)" in capsys.readouterr().err


NOTIFY = """
receivers:
  team: {to: ["json://HOOK/in", "pagerduty://key@api"]}
  pager: {to: ["pagerduty://key@api"]}
  nobody: {to: ["${UNSET:-}"]}
routes: [{to: [team]}]
"""


@pytest.fixture
def hook(database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpSink]:
    sink = HttpSink()
    (database / "rules.yaml").write_text(RULES + NOTIFY.replace("HOOK", sink.url))
    monkeypatch.setenv("WATCHDOG_RULES", str(database / "rules.yaml"))
    yield sink
    sink.stop()


def test_it_is_sent_to_every_target_but_pagerduty(hook: HttpSink, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(since="7d", timezone="UTC", html=None, send="team", as_json=False) == 0
    (sent,) = hook.received
    assert sent.json["title"].startswith("[REPORT] 1 alert, 1 page")
    assert "Rules that did not fire\n  Never\n" in sent.json["message"]
    assert capsys.readouterr().out.split() == ["target", "answer", "json://127.0.0.1/…", "OK", "accepted"]


def test_a_target_that_refuses_it_is_an_exit_code(hook: HttpSink, capsys: pytest.CaptureFixture[str]) -> None:
    hook.behave(Reply(404))
    assert report(since="7d", timezone="UTC", html=None, send="team", as_json=True) == 1
    (answer,) = json.loads(capsys.readouterr().out)
    assert (answer["target"], answer["accepted"]) == ("json://127.0.0.1/…", False)


@pytest.mark.parametrize(
    ("receiver", "says"),
    [
        ("taem", "there is no receiver 'taem'; did you mean 'team'?"),
        ("pager", "receiver 'pager' has PagerDuty only, which gets no reports: they are no incidents"),
        ("nobody", "receiver 'nobody' has no target: the variables its URLs name are not set"),
    ],
)
def test_a_receiver_that_gets_none_says_why(hook: HttpSink, receiver: str, says: str) -> None:
    with pytest.raises(ConfigError) as found:
        report(since="7d", timezone="UTC", html=None, send=receiver, as_json=False)
    assert str(found.value) == says

"""People's words beside a running service, what pages ask, and history that goes when it is old enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from watchdog.alerts.episodes import Acknowledgement, Episode, Facts, Note
from watchdog.alerts.lifecycle import AlertKey, AlertState, Phase
from watchdog.alerts.silences import Matcher, Silence
from watchdog.cycle.state import Changes
from watchdog.notify.ledger import Ending, Entry, Standing
from watchdog.notify.message import MessageKind
from watchdog.notify.pending import Item, Part, PendingNotification
from watchdog.notify.routes import GroupKey
from watchdog.readings.fleet import Kind
from watchdog.store import migrate, retention
from watchdog.store.database import Database
from watchdog.store.store import Store

GROUP = GroupKey("oncall", (("alertname", "Lag"),))
LAG = AlertKey("Lag", Kind.SOURCE, "s1")
DAY = 86400.0


def episode(id_: str, began: float, ended: float | None = None, alert: AlertKey = LAG) -> Episode:
    return Episode(id_, alert, began, began, Facts({"name": "prod"}, "prod"), ended)


def keep(store: Store, *episodes: Episode) -> None:
    store.commit(Changes(episodes={one.id: one for one in episodes}))


# -- people


def test_a_silence_of_another_process_is_noticed(store: Store, url: str, opened: Callable[..., Store]) -> None:
    beside, seen = opened(url, create=False), store.changes_seen()
    assert store.changes_seen() == seen
    silence = Silence("u", (Matcher("alertname", "Lag"),), 1.0, 9.0, "eva", "deploy", 1.0)
    beside.put_silence(silence)
    assert store.changes_seen() != seen
    assert store.silences() == [silence]
    seen = store.changes_seen()
    beside.put_silence(replace(silence, ends=2.0))
    assert store.changes_seen() != seen
    assert store.silences() == [replace(silence, ends=2.0)]


def test_an_acknowledgement_of_another_process_is_noticed(store: Store, url: str, opened: Callable[..., Store]) -> None:
    keep(store, episode("e", 1.0), episode("over", 0.0, 0.5))
    beside, seen = opened(url), store.changes_seen()
    word = Acknowledgement(5.0, "eva", "on it")
    assert not beside.put_ack("over", word)
    assert not beside.put_ack("none", word)
    assert store.changes_seen() == seen
    assert beside.put_ack("e", word)
    assert store.changes_seen() != seen
    assert store.acknowledgements() == {"e": word}
    assert beside.put_ack("e", Acknowledgement(6.0, "max")), "fine, but the first word counts"
    assert store.acknowledgements() == {"e": word}
    shown = store.episode("e")
    assert shown is not None
    assert shown.acknowledgement == word, "pages show it before the service has seen it"
    assert store.load().episodes["e"].acknowledgement is None, "the service hears of it as of any other"
    keep(store, episode("e", 1.0, ended=9.0))
    assert store.acknowledgements() == {}


# -- what pages ask


def test_episodes_newest_first_by_alert_and_page_by_page(store: Store) -> None:
    other = AlertKey("Lag", Kind.SOURCE, "s2")
    keep(
        store,
        *(episode(f"e{n}", float(n), n + 0.5 if n < 4 else None) for n in range(5)),
        episode("o", 2.5, None, other),
        episode("p", 2.5, None, other),
    )
    ids = lambda **asked: [one.id for one in store.episodes(**asked)]  # noqa: E731
    assert ids() == ["e4", "e3", "o", "p", "e2", "e1", "e0"]
    assert ids(firing=True) == ["e4", "o", "p"]
    assert ids(firing=False, limit=2) == ["e3", "e2"]
    assert ids(alert=LAG, after=(3.0, "e3")) == ["e2", "e1", "e0"]
    assert ids(after=(2.5, "o"), limit=2) == ["p", "e2"], "those that began at the same instant are not skipped"
    assert ids(alert=other) == ["o", "p"]
    assert store.episode("none") is None
    assert store.episode("e\0") is None
    assert store.put_ack("e\0", Acknowledgement(1.0, "eva")) is None


def test_the_story_of_an_episode_and_of_an_alert(store: Store) -> None:
    notes = [
        Note(1.0, LAG, "", "pending", "m is 7"),
        Note(2.0, LAG, "e", "began", "m is 7"),
        Note(2.0, LAG, "e", "told", "to oncall", "oncall", "t-1"),
        Note(3.0, AlertKey("Lag", Kind.SOURCE, "s2"), "f", "began", ""),
    ]
    store.commit(Changes(notes=notes))
    assert store.notes_of(alert=LAG) == notes[:3]
    assert store.notes_of(episode="e") == notes[1:3]
    assert store.notes_of(limit=2) == notes[2:]
    assert store.notes_of(since=3.0) == notes[3:]


# -- a new start loads what is needed


def test_a_start_loads_what_is_open_or_owed_only(store: Store) -> None:
    over = [episode(id_, 1.0, 2.0) for id_ in ("settled", "refused", "waiting", "owes-end", "end-waits", "in-duty")]
    entries = [
        Entry("settled", "t", GROUP, standing=Standing.ACCEPTED, ending=Ending.CLOSED),
        Entry("refused", "t", GROUP, standing=Standing.REFUSED),
        Entry("waiting", "t", GROUP),
        Entry("owes-end", "t", GROUP, standing=Standing.ACCEPTED),
        Entry("end-waits", "t", GROUP, standing=Standing.ACCEPTED, ending=Ending.WAITING),
    ]
    notification = PendingNotification(
        1, "t", "oncall", GROUP, MessageKind.MISSED, (Item("in-duty", Part.BEGIN),), 1.0, 1.0
    )
    store.commit(Changes(entries={(one.episode, one.target): one for one in entries}, notifications={1: notification}))
    keep(store, *over, episode("open", 3.0))
    saved = store.load()
    assert set(saved.episodes) == {"open", "waiting", "owes-end", "end-waits", "in-duty"}
    assert {one for one, _ in saved.entries} == {"waiting", "owes-end", "end-waits"}

    assert store.prune(100 * DAY) == 2
    assert {one.id for one in store.episodes()} == set(saved.episodes), "nothing that is open or owed has gone"
    assert store.load() == saved


# -- history


def test_history_goes_with_its_story_when_it_is_old_enough(store: Store) -> None:
    alerts = {
        LAG: AlertState(Phase.RESOLVED, ended=5.0),
        LAG._replace(entity="s3"): AlertState(Phase.INACTIVE, ended=5.0, changes=(4.0, 5.0)),
        LAG._replace(entity="s2"): AlertState(Phase.FIRING, began=2.0),
    }
    open_ = episode("open", 2.0, None, LAG._replace(entity="s2"))
    told = Entry("old", "t", GROUP, standing=Standing.ACCEPTED, ending=Ending.CLOSED)
    notes = [
        Note(1.0, LAG, "", "pending", ""),
        Note(1.0, open_.alert, "", "pending", "of what is open"),
        Note(2.0, LAG, "old", "began", ""),
        Note(20.0, LAG, "young", "began", ""),
    ]
    store.commit(Changes(alerts=alerts, entries={("old", "t"): told}, notes=notes))
    keep(store, episode("old", 2.0, 5.0), episode("young", 2.0, 10.0), open_)
    store.put_silence(Silence("over", (Matcher("a", "b"),), 1.0, 9.0, "", "", 1.0))
    store.put_silence(Silence("not", (Matcher("a", "b"),), 1.0, 11.0, "", "", 1.0))

    assert store.prune(10.0) == 1
    assert {one.id for one in store.episodes()} == {"young", "open"}
    assert store.entries_of("old") == []
    assert store.notes_of() == [notes[1], notes[3]]
    assert [one.id for one in store.silences()] == ["not"]
    assert list(store.alerts()) == [open_.alert]
    assert store.prune(10.0) == 0


def test_many_go_in_batches_past_those_that_have_to_stay(store: Store) -> None:
    many = 2 * retention.BATCH + 10
    held = {Item(f"e{n:04}", Part.END) for n in range(retention.BATCH)}  # the oldest, a batch of them
    notification = PendingNotification(1, "t", "oncall", GROUP, MessageKind.RESOLVED, tuple(held), 1.0, 1.0)
    store.commit(Changes(notifications={1: notification}))
    keep(store, *(episode(f"e{n:04}", float(n), float(n)) for n in range(many)))
    assert store.prune(1e9) == many - retention.BATCH
    assert {one.id for one in store.episodes(limit=many)} == {item.episode for item in held}


def test_the_last_accepted_configurations_stay(store: Store) -> None:
    for n in range(30):
        store.save_configuration(f"f{n}", {"a.yaml": str(n)}, float(n))
    store.prune(1e9)
    assert store.last_configuration() == {"a.yaml": "29"}
    assert [one["a.yaml"] for one in store.configurations()] == [str(n) for n in range(29, 19, -1)]


# -- threads


@pytest.mark.parametrize("where", ["sqlite", "memory"])
def test_pages_read_while_the_service_writes(where: str, sqlite: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    store = Store.in_memory() if where == "memory" else Store.open(sqlite)
    keys = [AlertKey("Lag", Kind.SOURCE, f"s{n}") for n in range(50)]

    def read(_: int) -> int:
        began = {state.began for state in store.alerts().values()}
        assert len(began) <= 1, "all of a transaction or nothing"
        return len(began)

    with ThreadPoolExecutor(4) as pages:
        reads = pages.map(read, range(100))
        for n in range(50):
            store.commit(Changes(alerts={key: AlertState(began=float(n)) for key in keys}))
        assert sum(reads) <= 100
    store.close()


# -- reports


def test_a_report_reads_what_overlaps_its_period(store: Store) -> None:
    over = [("before", 0.0, 5.0), ("into", 5.0, 15.0), ("within", 12.0, 13.0), ("open", 14.0, None), ("after", 25.0, None)]
    episodes = [episode(id_, began, ended) for id_, began, ended in over]
    notes = [Note(at, LAG, "e", what, "begin", "team", "t") for at in (9.0, 11.0, 20.0) for what in ("told", "pending")]
    store.commit(Changes(episodes={one.id: one for one in episodes}, notes=notes))
    found = store.rows_of(10.0, 20.0)
    assert [one.id for one in found.episodes] == ["into", "within", "open"]
    assert [(one.at, one.what) for one in found.notes] == [(11.0, "told")]
    assert found.last_fired == {"Lag": 5.0}


def test_pending_notifications_of_the_schema_before_reports_are_kept(url: str, opened: Callable[..., Store]) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).with_name("migrations")))
    database = Database(url)
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        values = "3, 't', 'oncall', :key, 'firing', :items, 1, 2, '', '', 4, false, false, 'refused'"
        items = '[{"episode":"e","part":"begin"}]'
        connection.execute(text(f"INSERT INTO duties VALUES ({values})"), {"key": '["oncall",[]]', "items": items})
    database.close()
    (kept,) = opened(url).notifications()
    assert kept == PendingNotification(3, "t", "oncall", GroupKey("oncall", ()), MessageKind.FIRING,
                                       (Item("e", Part.BEGIN),), 1.0, 2.0, attempts=4, last_error="refused")  # fmt: skip

"""Acknowledgements taken back, silences of one episode, and databases from before there were any."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from watchdog.alerts.episodes import Acknowledgement, Episode, Facts, Withdrawal
from watchdog.alerts.lifecycle import AlertKey
from watchdog.alerts.silences import Matcher, Silence, silenced_by
from watchdog.cycle.state import Changes
from watchdog.readings.fleet import Kind
from watchdog.store import migrate
from watchdog.store.database import Database
from watchdog.store.store import Store

EPISODE = Episode("0b7f3c52-0000-5000-8000-000000000001", AlertKey("Lag", Kind.SOURCE, "s1"), 1.0, 2.0, Facts({}, "orders"))


def said(store: Store) -> Acknowledgement | None:
    found = store.episode(EPISODE.id)
    assert found is not None
    return found.acknowledgement


def firing(store: Store) -> None:
    store.commit(Changes(episodes={EPISODE.id: EPISODE}))


def test_an_acknowledgement_says_how_and_from_where(store: Store) -> None:
    firing(store)
    given = Acknowledgement(5.0, "ann", "", "link", "10.0.0.7")
    assert store.put_ack(EPISODE.id, given)
    assert said(store) == given
    assert str(given) == "by ann, through a link from 10.0.0.7"


def test_what_was_taken_back_stays_so_for_older_words_and_not_for_newer_ones(store: Store) -> None:
    firing(store)
    store.put_ack(EPISODE.id, Acknowledgement(5.0, "ann", via="pagerduty"))
    assert not store.withdraw_ack(EPISODE.id, Withdrawal(4.0, "ann", "pagerduty")), "before it was given"
    assert not store.withdraw_ack(EPISODE.id, Withdrawal(6.0, "ann", "link")), "through another channel"
    assert store.withdraw_ack(EPISODE.id, Withdrawal(6.0, "ann", "pagerduty"))
    assert not store.withdraw_ack(EPISODE.id, Withdrawal(6.0, "ann", "pagerduty")), "once"
    assert said(store) is None
    store.put_ack(EPISODE.id, Acknowledgement(5.0, "ann", via="pagerduty"))
    assert said(store) is None, "the same word again"
    store.put_ack(EPISODE.id, Acknowledgement(7.0, "eva"))
    assert said(store) == Acknowledgement(7.0, "eva")


def test_a_silence_of_an_episode_covers_no_other_episode_of_the_alert(store: Store) -> None:
    made = Silence("u", (Matcher("alertname", "Lag"),), 1.0, 9.0, "eva", "", 1.0, "e1")
    store.put_silence(made)
    assert store.silences() == [made]
    assert silenced_by({"alertname": "Lag"}, "e1", [made]) == [made]
    assert silenced_by({"alertname": "Lag"}, "e2", [made]) == []


def test_silences_and_acknowledgements_of_the_schema_before_are_kept(url: str, opened: Callable[..., Store]) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).with_name("migrations")))
    database = Database(url)
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        matchers = '[{"name":"a","value":"b","regex":false,"equal":true}]'
        silence = text("INSERT INTO silences VALUES ('u', :matchers, 1, 9, 'eva', 'deploy', 1)")
        connection.execute(silence, {"matchers": matchers})
        connection.execute(text(f"INSERT INTO acknowledgements VALUES ('{EPISODE.id}', 5, 'ann', 'on it')"))
    database.close()
    store = opened(url)
    assert store.silences() == [Silence("u", (Matcher("a", "b"),), 1.0, 9.0, "eva", "deploy", 1.0)]
    firing(store)
    assert said(store) == Acknowledgement(5.0, "ann", "on it")

"""The desk and the engine behind it when something goes wrong: what was decided is neither lost, nor told unsaved."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from watchdog.app.engine_store import EngineStore
from watchdog.configuration.files import load_texts
from watchdog.cycle.engine import Engine, Sending
from watchdog.cycle.policy import Policy
from watchdog.errors import DeliveryError
from watchdog.notify.message import Message
from watchdog.notify.rendering import Wording
from watchdog.readings.fleet import REAL_KINDS, Entity, EntityKey, Kind
from watchdog.readings.poll import Failures, Listing
from watchdog.readings.snapshot import SparseReadings
from watchdog.store.store import Store
from watchdog.streamkap.recording import RecordedPoll

RULES = """
rules: [{alert: Lag, each: source, expr: recordsLag > 10}]
receivers: {hook: {to: ["json://127.0.0.1/in"]}}
routes: [{to: [hook], group_by: [alertname, name], group_wait: 0s, group_interval: 0s}]
"""
KEYS = [EntityKey(Kind.SOURCE, name) for name in ("a", "b")]
ENTITIES = [Entity(key, {"kind": "source", "name": key.id}) for key in KEYS]


class Nobody:
    """Carries nothing: what is claimed is answered by hand."""

    def send(self, message: Message) -> None:
        raise AssertionError(message.title)


@dataclass(frozen=True)
class Tongueless(Wording):
    """Fails to word messages about these entities."""

    about: set[str] = field(default_factory=set)

    def message(self, *args: Any, **kwargs: Any) -> Message:
        found = super().message(*args, **kwargs)
        if self.about & {line.entity for line in found.changed}:
            raise RuntimeError("tongue-tied")
        return found


class Moody(Mapping[str, Any]):
    """Cannot be read so many times."""

    def __init__(self, of: Mapping[str, Any]) -> None:
        self._of, self.fails = of, 0

    def __getitem__(self, name: str) -> Any:
        if self.fails:
            self.fails -= 1
            raise RuntimeError("not today")
        return self._of[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._of)


class Site:
    """A desk over a database file, with a clock that is moved by hand."""

    def __init__(self, file: Path, policy: Policy, wording: Wording) -> None:
        self.file, self.now = file, 0.0
        self.store = Store.open(f"sqlite:///{file}")
        engine = Engine(policy, self.store.load(), start=0.0, every=60.0, wording=wording, name="w")
        self.engine_store = EngineStore(engine, self.store, clock=lambda: self.now, open_carrier=lambda target: Nobody(),
                         label=lambda target: "json://…")  # fmt: skip

    def poll(self, minute: int, **lags: float) -> bool:
        self.now = 60.0 * minute
        readings = SparseReadings()
        for name, lag in lags.items():
            readings.put(EntityKey(Kind.SOURCE, name), "recordsLag", lag, self.now)
        poll = RecordedPoll(self.now, Listing(ENTITIES, frozenset(REAL_KINDS)), Failures(), readings)
        return self.engine_store.judge(poll, {})

    def claim(self) -> list[Sending]:
        self.engine_store.tick()
        targets = self.engine_store.waiting_targets()
        claims = (self.engine_store.claim(target) for target in targets for _ in KEYS)
        return [sending for sending in claims if sending is not None]

    def told(self) -> list[str]:
        """What every target takes now."""
        sent = self.claim()
        for sending in sent:
            self.engine_store.accepted(sending)
        return [sending.message.title for sending in sent]

    def lose_file(self) -> None:
        self.file.rename(self.file.with_suffix(".away"))

    def find_file(self) -> None:
        self.file.with_suffix(".away").rename(self.file)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Any]:
    made: list[Site] = []

    def make(policy: Policy | None = None, wording: Wording | None = None) -> Site:
        made.append(Site(tmp_path / "w.db", policy or load_texts({"r.yaml": RULES}, {}), wording or Wording()))
        return made[-1]

    yield make
    for one in made:
        one.store.close()


def test_what_cannot_be_saved_is_not_told_waits_without_haste_and_is_saved_with_what_follows(
    site: Any, caplog: pytest.LogCaptureFixture
) -> None:
    it: Site = site()
    assert it.poll(0, a=0, b=0)
    it.lose_file()
    assert not it.poll(1, a=20, b=0)
    assert not it.poll(2, a=20, b=20)
    assert it.told() == []
    assert it.engine_store.next_deadline() is None, "what is overdue must not have the loop try without a pause"
    assert [one.message for one in caplog.records if one.levelno >= logging.ERROR] == [
        "decisions cannot be saved; nothing new is told"
    ]
    it.find_file()
    assert it.poll(3, a=20, b=20)
    assert it.engine_store.next_deadline() is not None
    saved = it.store.load()
    assert [key.entity for key in saved.alerts] == ["a", "b"]
    assert saved.next_notification == it.engine_store.engine.records.next_notification
    began = [note.entity for note in (one.alert for one in it.store.notes_of() if one.what == "began")]
    assert began == ["a", "b"], "the story is whole, each line once"
    assert sorted(it.told()) == ["[FIRING:1] Lag: recordsLag is 20 (> 10) on source/a (warning)", "[FIRING:1] Lag: recordsLag is 20 (> 10) on source/b (warning)"]


def test_silences_that_cannot_be_read_are_complained_of_once(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    it: Site = site()
    it.store.close()
    it.file.unlink()
    it.file.mkdir()
    for _ in range(3):
        it.engine_store.read_people()
    assert [one.message for one in caplog.records].count("silences could not be read") == 1


def test_a_message_that_cannot_be_worded_holds_up_no_other_and_is_tried_again(site: Any) -> None:
    about = {"source/a"}
    it: Site = site(wording=Tongueless(about=about))
    it.poll(0, a=20, b=20)
    assert it.told() == ["[FIRING:1] Lag: recordsLag is 20 (> 10) on source/b (warning)"]
    (notification,) = it.store.notifications()
    assert (notification.attempts, notification.next_try) == (1, 1.0)
    about.clear()
    it.now = 1.0
    assert it.told() == ["[FIRING:1] Lag: recordsLag is 20 (> 10) on source/a (warning)"]


def test_a_report_whose_history_cannot_be_read_waits_and_is_tried_again(site: Any) -> None:
    it: Site = site(load_texts({"r.yaml": RULES + "reports: [{to: hook, at: '00:10', since: 10m}]"}, {}))
    it.poll(5, a=20)
    it.told()
    it.now = 600.0
    with sqlite3.connect(it.file) as damaged:
        (facts,) = damaged.execute("SELECT facts FROM episodes").fetchone()
        damaged.execute("UPDATE episodes SET facts = 'nonsense'")
    assert it.claim() == []
    with sqlite3.connect(it.file) as mended:
        mended.execute("UPDATE episodes SET facts = ?", [facts])
    it.now = 601.0
    (sending,) = it.claim()
    assert sending.message.title == "[REPORT] 1 alert, 1 page (1 at night) on Thu 1 Jan"
    it.engine_store.failed(sending, DeliveryError("no route", permanent=False))
    it.now = 604.0
    assert len(it.told()) == 1
    assert it.claim() == []


def test_an_alert_that_cannot_be_handed_on_stays_what_it_was_and_the_others_are_told(
    site: Any, caplog: pytest.LogCaptureFixture
) -> None:
    policy = load_texts({"r.yaml": RULES}, {})
    labels, receivers = Moody({"tier": "1"}), Moody(policy.receivers)
    rule = replace(policy.rules[0], terms=replace(policy.rules[0].terms, labels=labels))
    it: Site = site(replace(policy, rules=(rule,), receivers=receivers))
    it.poll(0, a=0, b=0)
    labels.fails = 1  # a beginning needs them
    it.poll(1, a=20, b=20)
    assert it.told() == ["[FIRING:1] Lag: recordsLag is 20 (> 10) on source/b (warning)"]
    it.poll(2, a=20, b=20)
    assert it.told() == ["[FIRING:1] Lag: recordsLag is 20 (> 10) on source/a (warning)"]
    receivers.fails = 1  # an end needs them
    it.poll(3, a=0, b=0)
    first = it.told()
    it.poll(4, a=0, b=0)
    assert sorted(first + it.told()) == ["[RESOLVED] Lag: recordsLag is now 0 (no longer > 10) on source/a (warning)", "[RESOLVED] Lag: recordsLag is now 0 (no longer > 10) on source/b (warning)"]
    errors = [one.message for one in caplog.records if one.levelno >= logging.ERROR]
    assert errors == ["alert skipped in this cycle"] * 2


def test_a_targets_trouble_does_not_say_its_name_again(site: Any) -> None:
    it: Site = site()
    it.poll(0, a=20, b=0)
    (sending,) = it.claim()
    it.engine_store.carrier(sending.target)
    it.engine_store.failed(sending, DeliveryError("json://…: answered 500", permanent=False))
    (health,) = it.store.targets()
    assert (health.receiver, health.label, health.last_error) == ("hook", "json://…", "answered 500")


def test_a_target_that_left_and_is_owed_nothing_fails_no_longer(site: Any) -> None:
    it: Site = site()
    it.poll(0, a=20, b=0)
    (sending,) = it.claim()
    it.engine_store.failed(sending, DeliveryError("answered 404", permanent=True))
    it.poll(1, a=20, b=0)
    assert [one.failing_since for one in it.store.targets()] == [0.0]
    it.engine_store.adopt(load_texts({"r.yaml": RULES.replace("/in", "/elsewhere")}, {}))
    it.poll(2, a=20, b=0)
    assert [(one.failing_since, one.last_error) for one in it.store.targets()] == [(None, "")]


def test_nothing_is_left_in_memory_of_what_is_over_and_old(site: Any) -> None:
    it: Site = site()
    for minute, lag in enumerate((0, 20, 0, 20, 0)):
        it.poll(minute, a=lag, b=lag)
        assert len(it.told()) == (2 if minute else 0)
    records = it.engine_store.engine.records
    assert [name for name, held in vars(records).items() if isinstance(held, dict | set) and held] == []
    assert len(it.engine_store.engine.states()) == 2, "what flaps is told by the changes they remember"
    it.now += 86400.0
    it.engine_store.tidy(history=3600.0)
    assert (it.engine_store.engine.states(), it.store.alerts()) == ({}, {})

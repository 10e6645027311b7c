"""Which configuration is in force: the files', or the last accepted one while they are broken, and that it says so."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from watchdog.app.reloader import Reloader
from watchdog.configuration.files import load, load_texts
from watchdog.cycle.policy import Policy
from watchdog.errors import RuleFileError, RulePathError
from watchdog.store.audit import Action, Actor, Via, entries
from watchdog.store.store import Store

RULE = "rules:\n  - {{alert: {}, each: source, expr: recordsLag > 5}}\n"
BROKEN = "rules:\n  - {alert: A, each: sorce, exrp: 1}\n"


@dataclass
class Hand:
    """A watcher that says what it is told to."""

    changed: bool = False

    def settled(self, now: float) -> bool:
        changed, self.changed = self.changed, False
        return changed


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path}/watchdog.db", name="test")
    yield opened
    opened.close()


@dataclass
class Folder:
    """Rule files, and a service's first look at them and later ones."""

    path: Path
    store: Store

    def __post_init__(self) -> None:
        self.hand = Hand()
        self.path.mkdir()
        self.restart()

    def restart(self) -> None:
        self.reloader = Reloader(lambda: load(self.path, {}), self.store, lambda: 0.0, self.hand)

    def write(self, text: str) -> None:
        (self.path / "a.yaml").write_text(text)
        self.hand.changed = True

    def first(self, *, strict: bool = False) -> Policy:
        return self.reloader.first(lambda sources: load_texts(sources, {}, unset_out=True), strict=strict)


@pytest.fixture
def folder(tmp_path: Path, store: Store) -> Folder:
    return Folder(tmp_path / "rules", store)


def names(policy: Policy | None) -> list[str] | None:
    return None if policy is None else [rule.name for rule in policy.rules]


def test_a_broken_edit_changes_nothing_until_it_is_mended(folder: Folder) -> None:
    folder.write(RULE.format("A"))
    assert names(folder.first()) == ["A"]
    for text, taken, invalid in [
        (RULE.format("B"), ["B"], 0),
        (BROKEN, None, 2),
        (BROKEN.replace("sorce", "source"), None, 1),
        (RULE.format("B"), None, 0),  # as it was: in force already
        (RULE.format("C"), ["C"], 0),
        ("", None, 1),
    ]:
        folder.write(text)
        assert names(folder.reloader.look(0)) == taken
        assert folder.reloader.invalid == invalid
        assert bool(folder.reloader.last_error) == bool(invalid)
        assert folder.reloader.look(0) is None  # once for each edit


def test_who_asks_gets_the_files_as_they_are(folder: Folder) -> None:
    folder.write(RULE.format("A"))
    folder.first()
    folder.hand.changed = False
    folder.reloader.ask(Actor("eva", Via.TOKEN))
    assert names(folder.reloader.look(0)) == ["A"]  # also where nothing has changed: a variable may have
    (folder.path / "a.yaml").write_text(BROKEN)
    assert "unknown key 'exrp'; did you mean 'expr'?" in folder.reloader.try_now()
    assert folder.reloader.invalid == 0  # trying is no reload
    folder.reloader.ask(Actor("eva", Via.TOKEN))
    assert folder.reloader.look(0) is None
    assert folder.reloader.invalid == 2


def test_the_audit_trail_says_who_reloaded_and_what_came_of_it(folder: Folder) -> None:
    folder.write(RULE.format("A"))
    folder.first()
    folder.write(RULE.format("B"))
    folder.reloader.look(1.0)
    folder.write(BROKEN)
    folder.hand.changed = False
    folder.reloader.ask(Actor("eva", Via.TOKEN, "10.0.0.7"))
    folder.reloader.look(2.0)
    refused, taken = entries(folder.store, action=Action.RELOAD)
    assert (taken.at, taken.actor, taken.subject) == (1.0, Actor(via=Via.FILES), "1 rules")
    assert refused.actor == Actor("eva", Via.TOKEN, "10.0.0.7")
    assert refused.subject.startswith("refused: ") and "sorce" in refused.subject


def test_a_cold_start_with_broken_rules_runs_what_was_accepted_last(folder: Folder) -> None:
    folder.write(RULE.format("A"))
    folder.first()
    folder.write(RULE.format("B"))
    folder.reloader.look(0)
    folder.write(BROKEN)
    folder.restart()
    assert names(folder.first()) == ["B"]
    assert folder.reloader.invalid == 2
    assert "rules/a.yaml:2:22: each: 'sorce' is not one of them" in folder.reloader.last_error
    folder.write(RULE.format("B"))
    assert folder.reloader.look(0) is None  # what runs already
    assert folder.reloader.invalid == 0


def test_a_cold_start_without_the_folder_runs_what_was_accepted_last(folder: Folder) -> None:
    folder.write(RULE.format("A"))
    folder.first()
    (folder.path / "a.yaml").unlink()
    folder.path.rmdir()
    folder.restart()
    assert names(folder.first()) == ["A"]
    assert "does not exist" in folder.reloader.last_error
    folder.restart()
    with pytest.raises(RulePathError):
        folder.first(strict=True)


@pytest.mark.parametrize(("accepted", "strict"), [(True, True), (False, False), (False, True)])
def test_a_cold_start_ends_where_nothing_was_accepted_or_with_strict(
    folder: Folder, accepted: bool, strict: bool
) -> None:
    if accepted:
        folder.write(RULE.format("A"))
        folder.first()
    folder.write(BROKEN)
    folder.restart()
    with pytest.raises(RuleFileError):
        folder.first(strict=strict)


def test_warnings_are_logged_at_the_start_and_at_each_reload(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write(RULE.format("A").replace("recordsLag", "recordLag"))
    with caplog.at_level(logging.WARNING, "watchdog.app.reloader"):
        folder.first()
        folder.write(RULE.format("B").replace("recordsLag", "recordsLga"))
        folder.reloader.look(0)
    found = [str(getattr(record, "warning", "")) for record in caplog.records]
    assert [one.partition(": ")[0] for one in found if "no poll has seen" in one] == [
        f"{folder.path}/a.yaml:2:36",
        f"{folder.path}/a.yaml:2:36",
    ]


def test_what_was_accepted_while_the_database_was_away_is_kept_when_it_is_back(folder: Folder, tmp_path: Path) -> None:
    folder.write(RULE.format("A"))
    folder.first()
    (tmp_path / "watchdog.db").rename(tmp_path / "away")
    folder.write(RULE.format("B"))
    assert names(folder.reloader.look(0.0)) == ["B"]
    assert folder.reloader.look(1.0) is None
    (tmp_path / "away").rename(tmp_path / "watchdog.db")
    assert folder.reloader.look(2.0) is None
    assert list((folder.store.last_configuration() or {}).values()) == [RULE.format("B")]

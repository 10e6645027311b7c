"""When an edit counts: once it has stood still for two seconds, compared by content, noticed or not."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from watchdog.configuration.reload import LOOK_EVERY, Sight, Watcher


@pytest.mark.parametrize(
    ("why", "looks", "counted"),
    [
        ("nothing happens", [(0, "a"), (5, "a"), (10, "a")], []),
        ("an edit counts after two seconds", [(1, "b"), (2, "b"), (2.9, "b"), (3, "b"), (4, "b")], [3]),
        ("each further edit begins anew", [(1, "b"), (2, "c"), (3, "c"), (3.9, "c"), (4, "c")], [4]),
        ("an edit taken back is none", [(1, "b"), (2, "a"), (5, "a")], []),
        ("one after another", [(1, "b"), (3, "b"), (4, "c"), (6, "c"), (9, "c")], [3, 6]),
        ("back to the first later", [(1, "b"), (3, "b"), (4, "a"), (6, "a")], [3, 6]),
        ("files that are gone for a moment", [(1, ""), (2, "b"), (3.5, "b"), (4, "b")], [4]),
        ("files that stay away", [(1, ""), (3, "")], [3]),
        ("seen late, counted later", [(60, "b"), (61, "b"), (62, "b")], [62]),
    ],
)
def test_when_an_edit_counts(why: str, looks: list[tuple[float, str]], counted: list[float]) -> None:
    sight, found = Sight("a", "a", 0.0), []
    for at, contents in looks:
        sight, settled = sight.look(contents, at)
        if settled:
            found.append(at)
    assert found == counted


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("noticed", [False, True], ids=["without notices", "with notices"])
def test_edits_are_found_with_and_without_the_file_system_telling(tmp_path: Path, noticed: bool) -> None:
    file, clock = tmp_path / "a.yaml", Clock()
    file.write_text("a")
    watcher = Watcher(tmp_path, clock=clock)
    if noticed:
        told = threading.Event()
        watcher.start(told.set)
        # the listener needs a moment to be there; edits before that are found by looking
        for text in ("b", "c", "d", "e", "f", "g", "h", "i", "j", "k"):
            file.write_text(text)
            if told.wait(1):
                break
        assert told.is_set()
        watcher.stop()
    else:
        file.write_text("b")
        assert not watcher.settled(0)
        clock.now = LOOK_EVERY  # the next look, whatever the file system says
    assert not watcher.settled(0)
    clock.now += 1.9
    assert not watcher.settled(0)
    clock.now += 0.2
    assert watcher.settled(0)
    assert not watcher.settled(0)


def test_a_config_map_that_is_swapped_is_noticed(tmp_path: Path) -> None:
    clock = Clock()
    for number in (1, 2):
        (tmp_path / f"..{number}").mkdir()
        (tmp_path / f"..{number}" / "a.yaml").write_text(f"# {number}")
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    watcher = Watcher(tmp_path, clock=clock)
    (tmp_path / "..next").symlink_to("..2")
    (tmp_path / "..next").rename(tmp_path / "..data")
    clock.now = LOOK_EVERY
    assert not watcher.settled(0)
    clock.now += 2
    assert watcher.settled(0)


def test_a_folder_that_is_not_there_stops_nothing(tmp_path: Path) -> None:
    clock = Clock()
    watcher = Watcher(tmp_path / "later", clock=clock)
    watcher.start()
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "a.yaml").write_text("a")
    clock.now = LOOK_EVERY
    assert not watcher.settled(0)
    clock.now += 2
    assert watcher.settled(0)
    watcher.stop()

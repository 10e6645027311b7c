"""What is written stays: a process killed at any instant leaves all of a transaction or nothing of it."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from watchdog.cycle.state import Changes
from watchdog.errors import StoreError
from watchdog.store.store import Store

#: Transaction n says n in every table it touches; prints it when it is written.
WRITER = """
import sys
from watchdog.alerts.episodes import Episode, Facts, Note
from watchdog.alerts.lifecycle import AlertKey, AlertState
from watchdog.cycle.state import Changes
from watchdog.notify.pending import Item, Part, PendingNotification
from watchdog.notify.ledger import Entry
from watchdog.notify.message import MessageKind
from watchdog.notify.routes import GroupKey
from watchdog.readings.fleet import Kind
from watchdog.store.store import Store

store = Store.open(sys.argv[1])
n = int(store.load().documents.get("n", "0"))
group = GroupKey("oncall", ())
while True:
    n += 1
    keys = [AlertKey("Lag", Kind.SOURCE, f"s{i}") for i in range(200)]
    id_ = f"e{n}"
    store.commit(Changes(
        alerts={key: AlertState(began=float(n)) for key in keys},
        episodes={id_: Episode(id_, keys[0], n, n, Facts({}, ""))},
        entries={(id_, "t"): Entry(id_, "t", group)},
        notifications={n: PendingNotification(n, "t", "oncall", group, MessageKind.FIRING, (Item(id_, Part.BEGIN),), n, n), n - 1: None},
        notes=[Note(n, keys[0], id_, "began", str(n))],
        documents={"n": str(n), "long": "x" * 100_000},
    ))
    print(n, flush=True)
"""


def test_killed_at_random_instants(url: str, opened: Callable[..., Store]) -> None:
    chance, store = random.Random(20260105), opened(url)
    for _ in range(5):
        process = subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        first = process.stdout.readline()
        killer = threading.Timer(chance.uniform(0.0, 0.05), process.kill)
        killer.start()
        said = [
            int(line) for line in [first, *process.communicate()[0].splitlines(keepends=True)] if line.endswith("\n")
        ]

        saved = store.load()
        n = int(saved.documents["n"])
        assert n in (said[-1], said[-1] + 1), "nothing that was confirmed is lost"
        assert {state.began for state in saved.alerts.values()} == {float(n)}
        assert set(saved.notifications) == {n}
        assert saved.next_notification == n + 1
        assert len(saved.episodes) == len(saved.entries) == len(store.notes_of(limit=10**6)) == n


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_was_removed_or_replaced_is_not_written_to(tmp_path: Path, replaced: bool) -> None:
    """It would look as if everything were saved, and be lost with the process."""
    file = tmp_path / "watchdog.db"
    store = Store.open(f"sqlite:///{file}")
    store.commit(Changes(documents={"a": "b"}))
    file.rename(tmp_path / "elsewhere.db")
    if replaced:
        Store.open(f"sqlite:///{file}").close()
    with pytest.raises(StoreError, match="its file was removed or replaced; restart"):
        store.commit(Changes(documents={"a": "c"}))
    store.close()

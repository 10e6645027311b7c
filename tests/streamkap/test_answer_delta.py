"""Answers of which only what differs is decoded: the same readings as decoded whole, whatever differs."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from watchdog.readings.snapshot import Column
from watchdog.streamkap.answer_delta import DeltaReader
from watchdog.streamkap.decode import LastTexts, Layer
from watchdog.streamkap.known_shape import Block, MetricsReader, Names, PlainDocument
from watchdog.streamkap.wire import Answer

IDS = [f"66a0{number:020x}" for number in range(20)]
Edit = Callable[[dict[str, Any]], None]


def first_answer() -> dict[str, Any]:
    return {
        "account_metrics": {"usage": 3},
        "connector_metrics": {},
        "inline_metrics": {id: {"connector_status": "Active", "lag": place} for place, id in enumerate(IDS)},
        "task_metrics": {id: {str(task): {"latency": 10 * place + task, "state": None} for task in range(2)}
                         for place, id in enumerate(IDS)},
        "topic_metrics": {},
    }  # fmt: skip


def body(document: Any) -> Answer:
    return Answer(200, {}, msgspec.json.encode(document))


def plain(document: Any) -> Any:
    """Comparable: every entity's metrics, and who has none."""
    if not isinstance(document, PlainDocument):
        return document
    blocks = {
        group: ([(key, block.metrics(row)) for row, key in enumerate(block.keys)], block.bare, list(block.names.ids))
        for group, block in document.blocks.items()
    }
    return document.account, blocks


def task(document: dict[str, Any], number: int = 3) -> dict[str, Any]:
    found: dict[str, Any] = document["task_metrics"][IDS[number]]["0"]
    return found


def _emptied(document: dict[str, Any]) -> None:
    document["inline_metrics"][IDS[2]] = {}


def _removed(document: dict[str, Any]) -> None:
    del document["task_metrics"][IDS[5]]


def _renamed(document: dict[str, Any]) -> None:
    document["task_metrics"] = {
        ("x" * 24 if id == IDS[4] else id): tasks for id, tasks in document["task_metrics"].items()
    }


def _moved(document: dict[str, Any]) -> None:
    document["inline_metrics"] = dict(reversed(document["inline_metrics"].items()))


def _swapped(document: dict[str, Any]) -> None:
    document["task_metrics"][IDS[1]] = dict(reversed(document["task_metrics"][IDS[1]].items()))


EDITS: dict[str, Edit] = {
    "nothing changes": lambda document: None,
    "a number grows by a digit": lambda document: task(document).update(latency=123_456),
    "a number becomes a text": lambda document: task(document).update(latency="12"),
    "a number becomes null": lambda document: task(document).update(latency=None),
    "a number becomes a truth of the same value": lambda document: task(document).update(latency=True),
    "a text is new": lambda document: task(document).update(state="RUNNING"),
    "a text holds the end of an object": lambda document: task(document).update(state="} {"),
    "a text holds an object's text": lambda document: task(document).update(state='"},"1":{"latency":7'),
    "a metric goes": lambda document: task(document).pop("latency"),
    "a metric is new": lambda document: task(document).update(other=1),
    "a value is a series": lambda document: task(document).update(latency=[1, 2]),
    "a value is an object": lambda document: task(document).update(latency={"value": 1}),
    "a sensitive text": lambda document: task(document).update(StreamingLastEvent="row"),
    "a connector loses its metrics": _emptied,
    "a connector's tasks go": _removed,
    "another connector in its place": _renamed,
    "connectors in another order": _moved,
    "tasks in another order": _swapped,
    "the account's own metrics": lambda document: document.update(account_metrics={"usage": 4}),
    "topics begin": lambda document: document.update(topic_metrics={IDS[0]: {"orders": {"lag": 1}}}),
}


def learned(reader: DeltaReader, document: Any) -> None:
    for _ in range(4):  # two to learn the names, one to compare with, one to prove whose each piece is
        reader.read("test", body(document))


@pytest.mark.parametrize("why", EDITS)
def test_an_answer_reads_as_it_does_decoded_whole(why: str) -> None:
    reader, whole = DeltaReader(), MetricsReader()
    document = first_answer()
    learned(reader, document)
    before = plain(reader.read("test", body(document)))
    for edited in (copy.deepcopy(document), copy.deepcopy(document)):
        EDITS[why](edited)
        assert plain(reader.read("test", body(edited))) == plain(whole.read("test", body(edited)))
        assert plain(reader.read("test", body(document))) == before


def test_many_edits_after_each_other() -> None:
    chance, reader, whole = random.Random(7), DeltaReader(), MetricsReader()
    document = first_answer()
    learned(reader, document)
    for _ in range(300):
        if chance.random() < 0.1:
            EDITS[chance.choice([*EDITS])](document := first_answer())
        task(document, chance.randrange(1, 3)).update(latency=chance.choice([1, 22, 333.5, None, "x"]))
        assert plain(reader.read("test", body(document))) == plain(whole.read("test", body(document)))


def test_what_did_not_change_is_not_decoded_again() -> None:
    reader, document = DeltaReader(), first_answer()
    learned(reader, document)
    before = reader.read("test", body(document))
    task(document).update(latency=9_999)
    after = reader.read("test", body(document))
    assert after.blocks["inline_metrics"].columns["lag"] is before.blocks["inline_metrics"].columns["lag"]
    assert after.blocks["task_metrics"].names is before.blocks["task_metrics"].names
    assert after.blocks["task_metrics"].columns["latency"] is not before.blocks["task_metrics"].columns["latency"]


def test_columns_that_a_reader_adds_stay_its_own() -> None:
    reader, document = DeltaReader(), first_answer()
    learned(reader, document)
    reader.read("test", body(document)).blocks["task_metrics"].columns["task_status"] = ["RUNNING"]
    assert "task_status" not in reader.read("test", body(document)).blocks["task_metrics"].columns


def test_answers_to_two_requests_do_not_mix() -> None:
    reader, one, other = DeltaReader(), first_answer(), first_answer()
    task(other).update(latency=77)
    for _ in range(6):
        for name, document in (("one", one), ("other", other)):
            read = reader.read("test", body(document), name)
            assert plain(read) == plain(MetricsReader().read("test", body(document)))


def test_answers_to_requests_that_are_no_longer_made_are_let_go() -> None:
    reader = DeltaReader()
    for poll in range(20):
        for chunk in range(3):
            reader.read("test", body(first_answer()), (poll // 10, chunk))
    assert reader.kept == 3


def test_a_column_of_texts_is_used_again_until_a_list_is_another_one() -> None:
    texts, one, other = LastTexts(), ["RUNNING", "FAILED"], ["RUNNING"]

    def column(*parts: list[Any], metric: str = "task_status") -> Column:
        names = [Names([str(place)], [f"{place}/{row}" for row in range(len(part))]) for place, part in enumerate(parts)]
        blocks = [Block(name, {metric: part}) for name, part in zip(names, parts, strict=True)]
        found = Layer({}, blocks=blocks, texts=texts).column(metric, 1000.0)
        assert found is not None
        return found

    first = column(one, other)
    assert column(one, other) is first
    assert column(one, ["FAILED"]).texts.tolist() == ["RUNNING", "FAILED", "FAILED"]
    series: list[Any] = [[{"timestamp": "1970-01-01 00:10:00", "value": 7}]]
    assert column(series, metric="latency") is not column(series, metric="latency")

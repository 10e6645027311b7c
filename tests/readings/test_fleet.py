"""Entities and their labels."""

from __future__ import annotations

from watchdog.readings.fleet import PartLabels


def test_a_parts_labels_are_its_connectors_and_one_more() -> None:
    labels = PartLabels({"kind": "source", "name": "orders", "tags": ("prod", "eu")}, "task", "0")
    whole = {"kind": "source", "name": "orders", "tags": ("prod", "eu"), "task": "0"}
    assert labels == whole
    assert {"id": "a/0", **labels} == {"id": "a/0", **whole}
    assert list(labels.items()) == list(whole.items())
    assert [labels.get(name, "") for name in ("name", "task", "topic")] == ["orders", "0", ""]
    assert repr(labels) == repr(whole)

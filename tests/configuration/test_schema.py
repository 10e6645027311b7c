"""The schema for editors agrees with the loader: every shipped file is valid, and common typos are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from watchdog.configuration.files import load_texts
from watchdog.configuration.places import Mapping, Node, Scalar, Sequence, read
from watchdog.configuration.schema import schema

RULES = sorted((Path(__file__).parents[2] / "rules").glob("*.yaml"))


def plain(node: Node | None) -> Any:
    """What an editor's YAML 1.2 makes of a file."""
    match node:
        case Mapping():
            return {key: plain(value) for key, value in node.items.items()}
        case Sequence():
            return [plain(one) for one in node.items]
        case Scalar():
            return node.value
    return None


VALIDATOR = jsonschema.Draft202012Validator(schema())


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("file", RULES, ids=[file.name for file in RULES])
def test_shipped_files_are_valid(file: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(plain(read(file.name, file.read_bytes(), [])))] == []


def test_everything_a_file_may_hold_is_valid_and_read(everything: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(plain(read("r.yaml", everything, [])))] == []
    policy = load_texts({"r.yaml": everything}, {"PAGERDUTY_URL": "pagerduty://a@b"})
    assert (len(policy.rules), len(policy.routes), len(policy.mutes)) == (2, 2, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rulez": []},
        {"rules": [{"alert": "A", "each": "source"}]},
        {"rules": [{"alert": "A", "each": "sorce", "expr": "true"}]},
        {"rules": [{"alert": "A", "each": "source", "expr": "true", "for": "soon"}]},
        {"rules": [{"alert": "A", "each": "source", "expr": "true", "severity": "page"}]},
        {"receivers": {"a": {"fallback": "b"}}},
        {"routes": [{"where": {"name": "x"}}]},
    ],
)
def test_typos_are_not_valid(wrong: dict[str, Any]) -> None:
    assert list(VALIDATOR.iter_errors(wrong))

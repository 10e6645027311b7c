"""The schema for editors agrees with the loader: every shipped file is valid, and common typos are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from watchdog.configuration.schema import schema

RULES = sorted((Path(__file__).parents[2] / "rules").glob("*.yaml"))
VALIDATOR = jsonschema.Draft202012Validator(schema())


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("file", RULES, ids=[file.name for file in RULES])
def test_shipped_files_are_valid(file: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(file.read_text()))] == []


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

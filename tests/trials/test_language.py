"""The expression language as users meet it: each case of cases/language.yaml is played as a rule test.

Two rules tell the three truths apart: what is true opens both, what is unknown only the one that alerts without data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from watchdog.trials.cases import Case
from watchdog.trials.rule_tests import run_case
from watchdog.trials.test_files import read_cases
from watchdog.units import parse_duration

FILE = Path(__file__).parent / "cases" / "language.yaml"
#: The rules, by what they make of an unknown, and which truths open them.
OPENED_BY = {"ok": "T", "alert": "TU"}


class Plain(yaml.CSafeDumper):
    """Rule files know no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def cases() -> Iterator[Any]:
    for group in yaml.load(FILE.read_text(), yaml.CSafeLoader):
        for case in group["cases"]:
            yield pytest.param(group["says"], case, id=case["expr"])


def states(truths: str, opened_by: str) -> Iterator[tuple[int, str]]:
    """At which polls an alert without `for` is in which state, where the case says."""
    state, after = "inactive", "inactive"
    for poll, truth in enumerate(truths.split()):
        if truth in opened_by:
            state, after = "firing", "resolved"
        elif truth in "TFUx":
            state = after
        if truth != "?":
            yield poll, state


def written(folder: Path, case: Mapping[str, Any]) -> Case:
    each, interval = case.get("each", "source"), case.get("interval", "1m")
    truth = case["truth"] if isinstance(case["truth"], dict) else {"s": case["truth"]}
    readings = case["readings"]
    if not all(isinstance(found, dict) for found in readings.values()):
        readings = {"s": readings}
    rules = [
        {"alert": name, "each": each, "expr": case["expr"], "no_data": name, "flapping": "off", **case.get("rule", {})}
        for name in OPENED_BY
    ]
    test = {
        "name": case["expr"],
        "rules": "../rules.yaml",
        "interval": interval,
        "entities": case.get("entities", [{each: "s"}]),
        "readings": [
            {"entity": entity, "metric": metric, "values": values}
            for entity, found in readings.items()
            for metric, values in found.items()
        ],
        "alerts": [
            {"at": f"{poll * parse_duration(interval):g}s", "alert": name, "entity": entity, "state": state}
            for name, opened_by in OPENED_BY.items()
            for entity, truths in truth.items()
            for poll, state in states(truths, opened_by)
        ],
        **case.get("test", {}),
    }
    (folder / "tests").mkdir()
    (folder / "rules.yaml").write_text(yaml.dump({"rules": rules}, Dumper=Plain))
    file = folder / "tests" / "language.yaml"
    file.write_text(yaml.dump({"tests": [test]}, Dumper=Plain))
    (made,) = read_cases(file)
    return made


@pytest.mark.parametrize(("says", "case"), list(cases()))
def test_the_language(says: str, case: Mapping[str, Any], tmp_path: Path) -> None:
    result = run_case(written(tmp_path, case))
    assert result.passed, "\n".join([says, *(failure.what for failure in result.failures), result.timeline])

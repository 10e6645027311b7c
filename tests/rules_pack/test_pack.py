"""The starter pack: its tests pass, each rule has one and a comment, and a rule that is changed fails its test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from watchdog.configuration.files import load, load_texts
from watchdog.errors import RuleFileError
from watchdog.rules.rule import Rule
from watchdog.trials.cases import Case
from watchdog.trials.rule_tests import run_case
from watchdog.trials.test_files import read_cases

RULES = Path(__file__).parents[2] / "rules"
PACK = load(RULES, {})
CASES = [case for file in sorted((RULES / "tests").glob("*.yaml")) for case in read_cases(file)]
WRITTEN: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for file in sorted(RULES.glob("*.yaml"))
    for rule in (yaml.safe_load(file.read_text()) or {}).get("rules", ())
}
NUMBER = re.compile(r"^([0-9.]+)([a-z]*)$")


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_shipped_tests_pass(case: Case) -> None:
    result = run_case(case)
    assert result.passed, "\n".join([*(failure.what for failure in result.failures), result.timeline])


@pytest.mark.parametrize("rule", PACK.rules, ids=[rule.name for rule in PACK.rules])
def test_each_rule_is_tested_and_explains_itself(rule: Rule) -> None:
    assert any(expected.rule == rule.name for case in CASES for expected in case.alerts)
    assert rule.annotations.get("summary") and rule.annotations.get("description")
    file, _, line = rule.place.rpartition(":")
    block = Path(file).read_text().split("\n")[int(line) - 1 :]
    until = next((n for n, text in enumerate(block) if n and text.startswith("  - alert:")), len(block))
    assert any(text.lstrip().startswith("#") for text in block[:until]), "a comment says why its numbers are what they are"


def test_without_any_variable_the_pack_loads_and_tells_nobody() -> None:
    assert not PACK.urls
    assert not PACK.warnings


def mutants(written: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rule with one thing changed: a limit, its wait, an operator, a connective, a window."""
    for name, value in written.get("params", {}).items():
        number, unit = NUMBER.match(str(value)).groups()  # type: ignore[union-attr]
        for factor, shown in ((2, "*2"), (0.5, "/2")):
            changed = f"{float(number) * factor:g}{unit}"
            yield f"{name}{shown}", {**written, "params": {**written["params"], name: changed}}
    if "for" in written:
        number, unit = NUMBER.match(written["for"]).groups()  # type: ignore[union-attr]
        yield "for*2", {**written, "for": f"{float(number) * 2:g}{unit}"}
        yield "for/2", {**written, "for": f"{float(number) / 2:g}{unit}"}
    for key in ("expr", "clear"):
        text = written.get(key, "")
        for pattern, other in ((r"(?<![<>=!])>(?!=)", ">="), (r"(?<![<>=!])<(?!=)", "<="), (r">=", ">"), (r"<=", "<"),
                               (r"==", "!="), (r"\bnot in\b", "in"), (r"(?<!not )\bin\b", "not in"), (r"\band\b", "or"),
                               (r"\bor\b", "and")):  # fmt: skip
            for found in re.finditer(pattern, text):
                changed = text[: found.start()] + other + text[found.end() :]
                yield f"{key}:{found.start()}:{other}", {**written, key: changed}


MUTANTS = [(name, what, made) for name, written in WRITTEN.items() for what, made in mutants(written)]


@pytest.mark.parametrize(("name", "what", "made"), MUTANTS, ids=[f"{name}-{what}" for name, what, _ in MUTANTS])
def test_a_changed_rule_fails_a_shipped_test(name: str, what: str, made: dict[str, Any]) -> None:
    try:
        (mutant,) = load_texts({"mutant.yaml": yaml.safe_dump({"rules": [made]})}, {}).rules
    except RuleFileError:
        return  # it is not even a rule
    for case in CASES:
        if any(expected.rule == name for expected in case.alerts):
            rules = tuple(mutant if rule.name == name else rule for rule in case.policy.rules)
            if not run_case(replace(case, policy=replace(case.policy, rules=rules))).passed:
                return
    pytest.fail(f"{name} with {what} passes every shipped test: {made.get('expr')}")

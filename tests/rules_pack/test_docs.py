"""The documentation is run: every example is judged on a simulated fleet, every test on a page passes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from watchdog.configuration.files import load_texts
from watchdog.streamkap.poll import StreamkapPoll
from watchdog.trials.replay import replay
from watchdog.trials.rule_tests import run_case
from watchdog.trials.test_files import read_cases

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
#: Seconds between the polls that examples are judged on: a day of them fills every window there is.
EVERY = 900.0
#: What happens in that day, so that nothing is missing that an example names.
DAY = """
sources: 6
events:
  - {at: 1h, until: 2h, do: dead_letters, entity: destination/*, rate: 1}
"""


@dataclass(frozen=True)
class Block:
    """A YAML block of a page; `file` is what its first line names it, "" where it names nothing."""

    page: Path
    line: int
    file: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks() -> Iterator[Block]:
    for page in PAGES:
        text = page.read_text()
        for found in re.finditer(r"```yaml\n(?:# (rules/\S+)\n)?(.*?)```", text, re.DOTALL):
            yield Block(page, text[: found.start()].count("\n") + 1, found[1] or "", found[2])


BLOCKS = list(blocks())
#: Jobs of a build server are YAML too; one of them is called rules.
EXAMPLES = [one for one in BLOCKS if re.match(r"(\s|#.*\n)*(rules|defaults):", one.text) and one.page.name != "ci.md"]
TESTED = sorted({one.page for one in BLOCKS if one.file.startswith("rules/tests/")})


@pytest.fixture(scope="module")
def a_day(polled) -> list[StreamkapPoll]:
    return polled(DAY, EVERY, 25)


@pytest.mark.parametrize("block", EXAMPLES, ids=[one.place for one in EXAMPLES])
def test_the_example_is_right_and_has_an_answer_on_a_fleet(block: Block, a_day: list[StreamkapPoll]) -> None:
    policy = load_texts({block.place: block.text}, {}, expand=False)
    assert policy.rules
    assert [one for one in policy.warnings if "no receivers" not in one.what] == []
    report = replay(a_day, policy, EVERY)
    enabled = {rule.name for rule in policy.rules if rule.terms.enabled}
    # a day of hourly polls has no week behind it, and no line through half an hour
    enabled = {name for name in enabled if not re.search(r"slope|time_until|, 7d", policy.by_name[name].expr.text)}
    assert {rule.name: rule.why for rule in report.rules if rule.name in enabled and not rule.evaluation} == {}


@pytest.mark.parametrize("page", TESTED, ids=[page.name for page in TESTED])
def test_the_tests_on_a_page_pass(page: Path, tmp_path: Path) -> None:
    named = [one for one in BLOCKS if one.page == page and one.file]
    for one in named:
        file = tmp_path / one.file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(one.text)
    for file in sorted(tmp_path.glob("rules/tests/*.yaml")):
        for case in read_cases(file):
            result = run_case(case)
            assert result.passed, "\n".join([*(failure.what for failure in result.failures), result.timeline])


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 15
    assert TESTED

"""Every example in the documentation is loaded: what a page teaches has to work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from watchdog.configuration.files import load_texts

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = [
    (f"{page.name}:{page.read_text()[: found.start()].count(chr(10)) + 1}", found[1])
    for page in PAGES
    for found in re.finditer(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
    if found[1].lstrip("# \n").startswith(("rules:", "defaults:"))
]


@pytest.mark.parametrize(("place", "text"), EXAMPLES, ids=[place for place, _ in EXAMPLES])
def test_the_example_is_right(place: str, text: str) -> None:
    policy = load_texts({place: text}, {}, expand=False)
    assert policy.rules
    assert [one for one in policy.warnings if "no receivers" not in one.what] == []


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 10

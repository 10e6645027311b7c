"""Which files `watchdog test` takes for rule tests, from wherever it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchdog.errors import RuleFileError
from watchdog.trials.rule_tests import find_tests

FILES = {
    "rules/lag.yaml": "rules: []\n",
    "rules/tests/lag.yaml": "tests: []\n",
    "rules/tests/deeper/broken.yml": "tets: []\n",
    "rules/tests/_draft.yaml": "tests: []\n",
    "rules/tests/notes.md": "tests:\n",
    "trials/own.yaml": "# of their own\ntests : []\n",
    "trials/own-rules.yaml": "rules: [{alert: 'tests:'}]\n",
    "nothing/rules.yaml": "rules: []\n",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("why", "where", "named", "found"),
    [
        ("the rules' folder", ".", ["rules"], ["rules/tests/deeper/broken.yml", "rules/tests/lag.yaml"]),
        ("the tests' folder", ".", ["rules/tests"], ["rules/tests/deeper/broken.yml", "rules/tests/lag.yaml"]),
        ("here, which is that folder", "rules/tests", ["."], ["deeper/broken.yml", "lag.yaml"]),
        ("here, above it", "rules", ["."], ["tests/deeper/broken.yml", "tests/lag.yaml"]),
        ("another folder: by what they begin with", ".", ["trials"], ["trials/own.yaml"]),
        ("a file is taken whatever it is called", ".", ["rules/tests/_draft.yaml"], ["rules/tests/_draft.yaml"]),
        ("each once", ".", ["rules/tests/lag.yaml", "rules/tests"],
         ["rules/tests/lag.yaml", "rules/tests/deeper/broken.yml"]),
    ],
)  # fmt: skip
def test_found(folder: Path, monkeypatch: pytest.MonkeyPatch, why: str, where: str, named: list[str], found: list[str]) -> None:
    monkeypatch.chdir(folder / where)
    assert [str(path) for path in find_tests(map(Path, named))] == found, why


@pytest.mark.parametrize(
    ("named", "mistake"),
    [("nothing", "nothing:1:1: holds no rule tests"), ("nowhere", "nowhere:1:1: does not exist")],
)
def test_where_there_are_none(named: str, mistake: str) -> None:
    with pytest.raises(RuleFileError, match=mistake):
        find_tests([Path(named)])

"""Rule tests: files to cases, cases played and compared; a failure shows both time lines side by side."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from watchdog.errors import Mistake, RuleFileError
from watchdog.trials.cases import Case
from watchdog.trials.comparison import Failure, compare, side_by_side
from watchdog.trials.coverage import Observer
from watchdog.trials.player import play
from watchdog.trials.test_files import read_cases


@dataclass(frozen=True, slots=True)
class Result:
    """One case: its failures, and the time lines to show with them."""

    case: Case
    failures: tuple[Failure, ...]
    timeline: str = ""

    @property
    def passed(self) -> bool:
        return not self.failures


def find_tests(paths: Iterable[Path]) -> list[Path]:
    """Test files: those named, and those in folders: in a `tests` folder, or beginning with `tests:` elsewhere.

    Raises RuleFileError where there are none.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            below = [one for one in sorted(path.rglob("*.y*ml")) if one.suffix in (".yaml", ".yml")]
            chosen = [one for one in below if not one.name.startswith(("_", ".")) and _is_test(one, path)]
            if not chosen:
                what = "holds no rule tests; they belong in a folder called tests, and begin with tests:"
                raise RuleFileError([Mistake(str(path), 1, 1, what)])
            found.update(dict.fromkeys(chosen))
        elif path.exists():
            found[path] = None
        else:
            raise RuleFileError([Mistake(str(path), 1, 1, "does not exist; name a test file or a folder")])
    return list(found)


def _is_test(file: Path, folder: Path) -> bool:
    if "tests" in (folder.resolve().name, *file.relative_to(folder).parts[:-1]):
        return True
    try:
        return re.search(rb"^tests\s*:", file.read_bytes(), re.MULTILINE) is not None
    except OSError:
        return True  # whoever reads it will say why it cannot be read


def read_all(files: Iterable[Path]) -> list[Case]:
    """Every case of these files; raises RuleFileError with the mistakes of all."""
    cases: list[Case] = []
    mistakes: list[Mistake] = []
    for file in files:
        try:
            cases += read_cases(file)
        except RuleFileError as cause:
            mistakes += cause.mistakes
    if mistakes:
        raise RuleFileError(list(dict.fromkeys(mistakes)))
    return cases


def run_case(case: Case, observer: Observer | None = None) -> Result:
    """Play one case and compare; `observer` sees what it reaches."""
    played = play(case) if observer is None else play(case, observer.after_poll)
    compared = compare(case, played)
    failures = compared.failures
    return Result(case, failures, side_by_side(case, played, compared) if failures else "")

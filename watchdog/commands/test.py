"""`watchdog test`: rule tests, what would fire and who would hear."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import console
from watchdog.settings import Settings
from watchdog.trials.ruletests import Result, find_tests, read_all, run_case


def test(paths: list[Path], *, as_json: bool) -> int:
    """0 where all pass, 1 where an expectation fails; raises RuleFileError for mistakes in the files."""
    files = find_tests(paths or [_default()])
    results = [run_case(case) for case in read_all(files)]
    failed = [result for result in results if not result.passed]
    if as_json:
        print_json([_object(result) for result in results])
        return 1 if failed else 0
    out = console()
    for result in results:
        mark = ("ok  ", "green") if result.passed else ("FAIL", "bold red")
        out.print(Text.assemble(mark, f" {result.case.place.file}:{result.case.place.line}  {result.case.name}"))
        for failure in result.failures:
            out.print(f"     {failure.place.file}:{failure.place.line}: {failure.what}", markup=False)
        if result.timeline:
            out.print(result.timeline, markup=False)
    out.print(f"{len(results) - len(failed)} passed, {len(failed)} failed", markup=False)
    return 1 if failed else 0


def _default() -> Path:
    rules = Settings.load().watchdog_rules
    return rules if rules.is_dir() else rules.parent


def _object(result: Result) -> dict[str, object]:
    return {
        "name": result.case.name,
        "file": result.case.place.file,
        "line": result.case.place.line,
        "passed": result.passed,
        "failures": [{"line": one.place.line, "what": one.what} for one in result.failures],
    }

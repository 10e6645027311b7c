"""`watchdog test`: rule tests, what would fire and who would hear."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.text import Text

from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import console
from watchdog.settings import Settings
from watchdog.trials.rule_tests import Result, find_tests, read_all, run_case


def test(paths: list[Path], *, as_json: bool) -> int:
    """0 where all pass, 1 where an expectation fails; raises RuleFileError for mistakes in the files."""
    cases = read_all(find_tests(paths or [_default()]))
    for warning in (warning for case in cases for warning in case.warnings):
        print(f"warning: {warning}", file=sys.stderr)
    results = [run_case(case) for case in cases]
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
            for line in failure.details:
                out.print(f"         | {line}", markup=False)
        for line in result.timeline.splitlines():
            out.print(Text(line, style="red" if line.lstrip().startswith("!") else ""))
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

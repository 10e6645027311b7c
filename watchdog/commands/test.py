"""`watchdog test`: rule tests, what would fire and who would hear."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.text import Text

from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import console
from watchdog.configuration.files import load_files
from watchdog.cycle.policy import Policy
from watchdog.errors import ConfigError
from watchdog.settings import Settings
from watchdog.trials.cases import Case
from watchdog.trials.coverage import KINDS, Coverage, Observer, rule_paths
from watchdog.trials.rule_tests import Result, find_tests, read_all, run_case


def test(paths: list[Path], *, coverage: bool, at_least: str | None, as_json: bool) -> int:
    """0 where all pass, 1 where an expectation fails or the coverage is too low; raises RuleFileError for mistakes in
    the files, ConfigError for a limit that is none."""
    limit = None if at_least is None else _percent(at_least)
    observer = Observer() if coverage or limit is not None else None
    cases = read_all(find_tests(paths or [_default()]))
    for warning in (warning for case in cases for warning in case.warnings):
        print(f"warning: {warning}", file=sys.stderr)
    results = [run_case(case, observer) for case in cases]
    failed = [result for result in results if not result.passed]
    covered = None if observer is None else observer.covered(_rules_of(cases))
    too_low = covered is not None and limit is not None and covered.share < limit
    if as_json:
        tests = [_object(result) for result in results]
        print_json(tests if covered is None else {"tests": tests, "coverage": _coverage_object(covered)})
        return 1 if failed or too_low else 0
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
    if covered is not None:
        _show_coverage(covered)
    if too_low:
        print(f"coverage is below the {at_least} that --at-least asks for", file=sys.stderr)
    return 1 if failed or too_low else 0


def _rules_of(cases: list[Case]) -> Policy:
    """The rules these cases are about, also those that no case uses."""
    policies = [policy for case in cases for policy in (case.policy, *(later for _, later in case.reloads))]
    return load_files(rule_paths(policies, Settings.load().watchdog_rules), {}, expand=False)


def _show_coverage(covered: Coverage) -> None:
    out = console()
    counts = [(kind, *covered.counts(kind)) for kind in KINDS]
    words = ", ".join(f"{reached} of {count} {kind}" for kind, reached, count in counts if count)
    out.print(f"coverage {_floored(covered.share)}: {words}", markup=False)
    for one in covered.missed:
        out.print(f"{one.place}  {one.name}: {one.what}", markup=False)


def _coverage_object(covered: Coverage) -> dict[str, object]:
    counts = {kind: dict(zip(("reached", "all"), covered.counts(kind), strict=True)) for kind in KINDS}
    missed = [{"kind": one.kind, "place": one.place, "name": one.name, "what": one.what} for one in covered.missed]
    return {"share": covered.share, **counts, "not_reached": missed}


def _floored(share: float) -> str:
    """Whole percent, rounded down: 100% means everything."""
    return f"{int(share * 100 + 1e-9)}%"


def _percent(text: str) -> float:
    number = text.strip().removesuffix("%").strip()
    if not number.replace(".", "", 1).isdecimal() or float(number) > 100:
        raise ConfigError(f"--at-least: '{text}' is not a percentage; write a number from 0 to 100, e.g. 80%")
    return float(number) / 100


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

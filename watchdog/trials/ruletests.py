"""Rule tests: cases played and compared with what they expect; a failure shows both time lines side by side."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from watchdog.alerts.life import AlertKey
from watchdog.configuration.places import Place
from watchdog.errors import Mistake, RuleFileError
from watchdog.trials.cases import Case, ExpectedMessage, read_cases
from watchdog.trials.player import Played, Told, play
from watchdog.units import format_duration


@dataclass(frozen=True, slots=True)
class Failure:
    """One expectation that was not met, and where it stands."""

    place: Place
    what: str


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


def run_case(case: Case) -> Result:
    """Play one case and compare."""
    played = play(case)
    failures = [*_wrong_alerts(case, played), *_wrong_messages(case, played)]
    return Result(case, tuple(failures), _side_by_side(case, played) if failures else "")


def _wrong_alerts(case: Case, played: Played) -> list[Failure]:
    found = []
    for expected in case.alerts:
        key = AlertKey(expected.rule, expected.entity.kind, expected.entity.id)
        state = played.states.get((expected.at, key))
        if state is not expected.state:
            what = f"{_at(expected.at)} {expected.rule} on {expected.entity.id}: expected {expected.state}, is {state}"
            found.append(Failure(expected.place, what))
    return found


def _looked_at(case: Case, told: Iterable[Told]) -> list[Told]:
    return [one for one in told if case.only is None or one.to in case.only]


def _wrong_messages(case: Case, played: Played) -> list[Failure]:
    """Every expected message has to be there, and none besides, for the receivers that are looked at."""
    if case.messages is None:
        return []
    rest = _looked_at(case, played.told)
    found = []
    for expected in case.messages:
        match = next((one for one in rest if _fits(expected, one)), None)
        if match is not None:
            rest.remove(match)
        else:
            near = next((one for one in rest if one.to == expected.to and abs(one.at - expected.at) < 1e-3), None)
            instead = "" if near is None else f"; there is [{near.kind}] {near.text.splitlines()[0]}"
            words = f" with {', '.join(map(repr, expected.contains))}" if expected.contains else ""
            what = f"{_at(expected.at)} no message '{expected.kind}' to {expected.to}{words}{instead}"
            found.append(Failure(expected.place, what))
    for one in rest:
        what = f"{_at(one.at)} unexpected message '{one.kind}' to {one.to}: {one.text.splitlines()[0]}"
        found.append(Failure(case.place, what))
    return found


def _fits(expected: ExpectedMessage, told: Told) -> bool:
    return (
        told.to == expected.to
        and told.kind == expected.kind
        and abs(told.at - expected.at) < 1e-3
        and all(word in told.text for word in expected.contains)
    )


def _side_by_side(case: Case, played: Played) -> str:
    """Expected on the left, what happened on the right, instant by instant."""
    left: dict[float, list[str]] = {}
    right: dict[float, list[str]] = {}
    for alert in case.alerts:
        left.setdefault(alert.at, []).append(f"{alert.rule} on {alert.entity.id}: {alert.state}")
    for message in case.messages or ():
        left.setdefault(message.at, []).append(f"to {message.to}: {message.kind}")
    for at, key, phase in played.changes:
        right.setdefault(at, []).append(f"{key.rule} on {key.entity}: {phase}")
    for told in _looked_at(case, played.told):
        right.setdefault(told.at, []).append(f"to {told.to}: {told.kind} {told.text.splitlines()[0]}")
    width = max((len(text) for texts in left.values() for text in texts), default=8)
    lines = [f"      {'':>8}  {'expected':<{width}}  actual"]
    for at in sorted({*left, *right}):
        lefts, rights = left.get(at, []), right.get(at, [])
        for row in range(max(len(lefts), len(rights))):
            when = _at(at) if row == 0 else ""
            one = lefts[row] if row < len(lefts) else ""
            other = rights[row] if row < len(rights) else ""
            lines.append(f"      {when:>8}  {one:<{width}}  {other}".rstrip())
    return "\n".join(lines)


def _at(seconds: float) -> str:
    if seconds < 1:
        return "0s" if not seconds else f"{seconds * 1000:.0f}ms"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:.0f}m" + (f"{rest:g}s" if rest else "") if minutes else format_duration(rest)

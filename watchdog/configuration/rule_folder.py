"""Folders of rule files: which files count, and what they hold."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from watchdog.configuration.places import MAX_BYTES
from watchdog.errors import Mistake, RulePathError

_SUFFIXES = (".yaml", ".yml")


def read_all(paths: Sequence[Path]) -> dict[str, bytes]:
    """What the rule files of these files and folders hold, by path as given. Raises RulePathError naming every one that
    cannot be read."""
    sources: dict[str, bytes] = {}
    unreadable: list[Mistake] = []
    for path in paths:
        before = len(sources) + len(unreadable)
        for file in rule_files(path, unreadable):
            try:
                sources[str(file)] = _contents(file)
            except OSError as cause:
                unreadable.append(Mistake(str(file), 1, 1, f"cannot be read: {cause.strerror}"))
        if len(sources) + len(unreadable) == before and not path.is_dir():
            what = "does not exist; a folder with rule files, or one such file, is needed"
            unreadable.append(Mistake(str(path), 1, 1, what))
    if unreadable:
        raise RulePathError(unreadable)
    return sources


def leading_out(paths: Sequence[Path]) -> set[str]:
    """Rule files in these folders that are links to files outside: used like any other, but never quoted."""
    found: set[str] = set()
    for path in paths:
        if path.is_dir():
            root = os.path.realpath(path)
            files = (str(file) for file in rule_files(path, []))
            found |= {file for file in files if os.path.commonpath([root, os.path.realpath(file)]) != root}
    return found


def snapshot_of(path: Path) -> str:
    """A digest of what the rule files hold now; "" while they cannot be read, as in the middle of a checkout."""
    digest = hashlib.blake2s()
    unreadable: list[Mistake] = []
    try:
        for file in rule_files(path, unreadable):
            digest.update(f"{file}\0".encode() + _contents(file) + b"\0")
    except OSError:
        return ""
    return "" if unreadable else digest.hexdigest()


def _contents(file: Path) -> bytes:
    """As much of a file as is needed to see that it is too big."""
    with file.open("rb") as opened:
        return opened.read(MAX_BYTES + 1)


def rule_files(path: Path, unreadable: list[Mistake]) -> Iterator[Path]:
    """Rule files in a folder, sub-folders included; symlinks are followed, hidden names and `tests` are skipped."""
    if path.is_dir():
        yield from _walk(path, set(), unreadable)
    elif path.exists():
        yield path


def is_rule_file(path: Path) -> bool:
    """Whether a file counts that has this path below the rules folder."""
    hidden = any(part.startswith(("_", ".")) for part in path.parts)
    return not hidden and "tests" not in path.parts[:-1] and path.suffix in _SUFFIXES


def _walk(folder: Path, seen: set[Path], unreadable: list[Mistake]) -> Iterator[Path]:
    real = folder.resolve()
    if real in seen:  # a link back to a folder above
        return
    seen.add(real)
    try:
        entries = sorted(folder.iterdir())
    except OSError as cause:
        unreadable.append(Mistake(str(folder), 1, 1, f"cannot be read: {cause.strerror}"))
        return
    for entry in entries:
        if entry.name.startswith(("_", ".")):
            continue
        if entry.is_dir():
            if entry.name != "tests":
                yield from _walk(entry, seen, unreadable)
        elif entry.suffix in _SUFFIXES and (entry.is_file() or entry.is_symlink()):
            yield entry  # a link that leads nowhere is found out when it is read

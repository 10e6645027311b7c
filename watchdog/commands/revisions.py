"""Rules as they are on disk, at a git revision, or in the running service, for commands that compare them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from watchdog.commands.operator import open_store
from watchdog.configuration.files import load, load_texts
from watchdog.configuration.rule_folder import is_rule_file
from watchdog.cycle.policy import Policy
from watchdog.errors import ConfigError
from watchdog.settings import Settings


def policy_named(name: str, settings: Settings) -> Policy:
    """The policy of a folder, a file, or a git revision (`main`, `main:other/rules`). Variables stay unexpanded.

    Raises ConfigError for a name that is none of these, RuleFileError for mistakes in the files.
    """
    path = Path(name)
    if path.exists():
        return load(path, {}, expand=False)
    revision, _, inside = name.partition(":")
    rules = settings.watchdog_rules.resolve()
    base = rules if rules.is_dir() else rules.parent
    if not _git(base, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"):
        what = (
            f"git knows no such revision in {base}"
            if _git(base, "rev-parse", "--git-dir")
            else f"{base} is in no git repository"
        )
        raise ConfigError(
            f"'{name}' is no file or folder, and {what}; name a folder with rule files, a file or a revision"
        )
    where = inside or _inside_repository(rules, base)
    listed = _git(
        base, "ls-tree", "-r", "-z", "--name-only", "--full-tree", revision, "--", *([where] if where else [])
    )
    files = [
        one
        for one in listed.decode().split("\0")
        if one and is_rule_file(Path(one).relative_to(where or ".") if one != where else Path(one))
    ]
    if not files:
        raise ConfigError(f"'{name}': there are no rule files under '{where or '.'}' at that revision")
    texts = {f"{revision}:{file}": _git(base, "show", f"{revision}:{file}") for file in files}
    return load_texts(texts, {}, expand=False)


def running_policy(settings: Settings) -> Policy:
    """What the service accepted last. Raises ConfigError where it never ran with this database, StoreError."""
    store = open_store(settings)
    try:
        sources = store.last_configuration()
    finally:
        store.close()
    if sources is None:
        raise ConfigError(
            "no service has run with this database yet, so nothing runs to compare with; name two folders"
        )
    return load_texts(sources, {}, expand=False)


def _inside_repository(path: Path, base: Path) -> str:
    top = _git(base, "rev-parse", "--show-toplevel").decode().strip()
    found = path.relative_to(Path(top).resolve()).as_posix()
    return "" if found == "." else found


def _git(folder: Path, *arguments: str) -> bytes:
    """What git prints; nothing where it fails. Raises ConfigError where git is not installed."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise ConfigError("git is not installed, so no revision can be read; name a folder or a file") from None
    return done.stdout if done.returncode == 0 else b""

"""`watchdog init`: a folder to start from, with settings, the starter pack and a compose file."""

from __future__ import annotations

import secrets
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path

from watchdog import __version__
from watchdog.errors import ConfigError

_SETTINGS = "settings.env"


def init(folder: Path) -> int:
    """Writes the files and prints the next commands. Raises ConfigError for a folder that is not empty."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = sorted(one.name for one in folder.iterdir())
    except OSError as cause:
        raise ConfigError(f"{folder}: cannot be used: {cause.strerror}; name a folder that can be written") from cause
    if there:
        raise ConfigError(f"{folder}: holds {', '.join(there[:5])} already; name an empty folder or a new one")
    starter = files("watchdog").joinpath("starter")
    with as_file(starter) as source:
        _copy(source.joinpath("rules"), folder / "rules")
        example = source.joinpath("settings.example.env").read_text(encoding="utf-8")
        compose = source.joinpath("compose.yaml").read_text(encoding="utf-8")
    settings = folder / _SETTINGS
    settings.write_text(_with_token(example), encoding="utf-8")
    settings.chmod(0o600)
    # `watchdog run` beside it reads .env, compose the other name: it is one file
    (folder / ".env").symlink_to(_SETTINGS)
    (folder / "compose.yaml").write_text(_published(compose), encoding="utf-8")
    _say(folder)
    return 0


def _copy(source: Traversable, to: Path) -> None:
    to.mkdir(mode=0o755)
    to.chmod(0o755)  # another user reads it inside the container
    for one in source.iterdir():
        if one.is_dir():
            _copy(one, to / one.name)
        elif one.name.endswith((".yaml", ".yml")):
            (to / one.name).write_text(one.read_text(encoding="utf-8"), encoding="utf-8")
            (to / one.name).chmod(0o644)


def _with_token(example: str) -> str:
    """The example with a web token of its own, the one setting nobody else can know."""
    made, token = [], f"WATCHDOG_WEB_TOKEN={secrets.token_hex(16)}"
    for line in example.splitlines():
        made.append(token if line.lstrip("# ").startswith("WATCHDOG_WEB_TOKEN=") else line)
    return "\n".join(made if token in made else [*made, token]) + "\n"


def _published(compose: str) -> str:
    """The compose file with the released image instead of a checkout to build it from."""
    lines = [line for line in compose.splitlines() if line.strip() != "build: ."]
    tag = f"    image: streamkap-watchdog:{__version__}"
    return "\n".join(tag if line.startswith("    image: streamkap-watchdog") else line for line in lines) + "\n"


def _say(folder: Path) -> None:
    import typer

    typer.echo(f"{folder}: settings in {_SETTINGS}, starter rules and their tests in rules/, compose.yaml\n")
    typer.echo("Next, in that folder:")
    typer.echo(f"  $EDITOR {_SETTINGS}   # STREAMKAP_CLIENT_ID, STREAMKAP_SECRET, and SLACK_URL or another receiver")
    typer.echo("  watchdog doctor         # what this machine lacks, and what to do about it")
    typer.echo("  watchdog run            # or: docker compose up -d")

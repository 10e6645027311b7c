"""Variables: everything that the environment, `.env` and secret files say, be it a setting or a receiver's URL."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from watchdog.errors import SettingsError

#: Where container platforms put one file per secret, named after the variable.
SECRETS = Path("/run/secrets")
#: How the names of our own begin.
OURS = ("STREAMKAP_", "WATCHDOG_")
_VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")


def read_variables(
    environ: Mapping[str, str] | None = None, env_file: Path | None = Path(".env"), secrets: Path = SECRETS
) -> dict[str, str]:
    """Every variable there is, settings or not: secret files (file name = variable name), `.env`, the environment.

    Receivers' URLs are expanded from these. Raises SettingsError for a file that cannot be read.
    """
    from dotenv import dotenv_values

    found: dict[str, str] = {}
    mistakes: list[str] = []
    try:
        files = sorted(secrets.iterdir()) if secrets.is_dir() else []
    except OSError as cause:
        raise SettingsError(f"{secrets}: cannot be read: {cause.strerror}") from cause
    for file in files:
        # platforms put other things there too: certificates, folders of their own
        if not _VARIABLE.fullmatch(file.name) or not file.is_file():
            continue
        try:
            found[file.name] = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as problem:
            if file.name.startswith(OURS):
                why = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8 text"
                mistakes.append(f"{file}: cannot be read as a secret: {why}")
    if env_file is not None and env_file.is_file():
        try:
            written = dotenv_values(env_file)
        except (OSError, UnicodeDecodeError) as problem:
            why = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8 text"
            mistakes.append(f"{env_file}: cannot be read: {why}")
        else:
            _lay_over(found, {name: value for name, value in written.items() if value is not None})
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    _lay_over(found, os.environ if environ is None else environ)
    return found


def _lay_over(found: dict[str, str], above: Mapping[str, str]) -> None:
    """An empty value hides nothing: `STREAMKAP_SECRET=` of a copied example leaves the secret file in force."""
    found.update({name: value for name, value in above.items() if value or name not in found})

"""Debian's Chromium: found where it is, installed where this process may, else the one command is named."""

from __future__ import annotations

import os
import shutil
import subprocess

COMMAND = "apt-get install chromium fonts-dejavu-core"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def found() -> str | None:
    """Where it is, after having tried to install it."""
    return _there() or (_there() if _installed() else None)


def _there() -> str | None:
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def _installed() -> bool:
    """Whether the system's package manager could be asked; it asks nobody for a password."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None or os.environ.get("WATCHDOG_TESTS_INSTALL") == "no":
        return False
    quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "stdout": subprocess.DEVNULL,
             "stderr": subprocess.DEVNULL, "timeout": 600}  # fmt: skip
    try:
        subprocess.run(["apt-get", "update", "-qq"], check=True, **quiet)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *COMMAND.split()[2:]],
                       check=True, **quiet)  # fmt: skip
    except (subprocess.SubprocessError, OSError):
        return False
    return True

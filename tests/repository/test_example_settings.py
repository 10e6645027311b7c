"""settings.example.env: every setting with its real default, every variable the starter receivers name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from watchdog.settings import Settings

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "settings.example.env").read_text("utf-8")
#: A variable and its value, commented out or not.
LISTED = dict(re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE, re.MULTILINE))


def _load(environment: dict[str, str]) -> Settings:
    return Settings.load(environment, env_file=None, secrets=ROOT / "no such folder")


def test_every_setting_is_listed_and_nothing_else() -> None:
    ours = {name for name in LISTED if name.startswith(("STREAMKAP_", "WATCHDOG_", "PAGERDUTY_WEBHOOK", "PAGERDUTY_API", "SLACK_APP"))}
    assert ours == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("name", [name for name in LISTED if name.lower() in Settings.model_fields and LISTED[name]])
def test_the_default_shown_is_the_default(name: str) -> None:
    shown, unset = _load({name: LISTED[name]}), _load({})
    assert getattr(shown, name.lower()) == getattr(unset, name.lower())


def test_what_is_not_commented_out_waits_to_be_filled_in() -> None:
    """A copy of the file changes nothing that the image sets."""
    active = dict(re.findall(r"^([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE, re.MULTILINE))
    assert set(active.values()) == {""}


def test_no_value_has_a_remark_behind_it() -> None:
    assert [name for name, value in LISTED.items() if re.search(r"\s", value)] == []


def test_every_variable_of_the_starter_receivers_is_listed() -> None:
    named = {
        name
        for file in (ROOT / "rules").glob("*.yaml")
        for line in file.read_text("utf-8").splitlines()
        for name in re.findall(r"\$\{([A-Z0-9_]+)", line.split(" #")[0] if not line.startswith("#") else "")
    }
    assert named <= LISTED.keys()

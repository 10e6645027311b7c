"""Documents say what is true: links lead somewhere; commands, settings and make targets they name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from watchdog.cli import app
from watchdog.readings.catalogue import CATALOGUE
from watchdog.settings import Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])
READABLE = [*DOCUMENTS, ROOT / "compose.yaml", ROOT / "Dockerfile", ROOT / "settings.example.env"]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def _names(files: list[Path]) -> list[str]:
    return [str(file.relative_to(ROOT)) for file in files]


def _headings(file: Path) -> set[str]:
    """Anchors as forges make them of headings."""
    text = re.sub(r"```.*?```", "", file.read_text("utf-8"), flags=re.DOTALL)
    titles = re.findall(r"^#+ +(.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("file", DOCUMENTS, ids=_names(DOCUMENTS))
def test_every_link_leads_somewhere(file: Path) -> None:
    text = re.sub(r"```.*?```", "", file.read_text("utf-8"), flags=re.DOTALL)
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (file.parent / path) if path else file
        if not target.exists() or (anchor and anchor not in _headings(target)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("folder", sorted({file.parent for file in (ROOT / "docs").glob("*/*.png")}), ids=lambda one: one.name)
def test_every_picture_is_shown_and_they_stay_small(folder: Path) -> None:
    """Links that lead nowhere are found above; here, pictures that nothing shows any more."""
    shown = "".join(file.read_text("utf-8") for file in DOCUMENTS)
    pictures = list(folder.glob("*"))
    assert [one.name for one in pictures if f"]({folder.name}/{one.name})" not in shown] == []
    assert sum(one.stat().st_size for one in pictures) < 2_000_000


@pytest.mark.parametrize("file", READABLE, ids=_names(READABLE))
def test_every_setting_named_is_one(file: Path) -> None:
    named = set(re.findall(r"\b(?:WATCHDOG|STREAMKAP)_[A-Z][A-Z_]*[A-Z]\b", file.read_text("utf-8")))
    assert named - {name.upper() for name in Settings.model_fields} == set()


def test_the_readme_names_every_command_and_no_other() -> None:
    table = re.findall(r"^\| (`watchdog .*?) \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    named = {word for cell in table for word in re.findall(r"`watchdog ([a-z-]+)", cell)}
    there = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert named == {name for name, command in there.items() if not command.hidden}


@pytest.mark.parametrize("file", READABLE, ids=_names(READABLE))
def test_every_make_target_named_exists(file: Path) -> None:
    named = set(re.findall(r"`make ([a-z]+)|\$ make ([a-z]+)", file.read_text("utf-8")))
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    assert {one or other for one, other in named} - targets == set()


def test_help_lists_every_target() -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE)) - {"help"}
    assert set(re.findall(r'@echo "make ([a-z]+) ', MAKEFILE)) == targets


def test_every_number_of_its_own_that_the_manual_asks_for_is_one() -> None:
    asked = set(re.findall(r"\bwatchdog_([a-z_]+)", (ROOT / "docs/operations.md").read_text("utf-8")))
    assert asked - CATALOGUE.keys() - {"alerts"} == set()

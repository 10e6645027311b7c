"""Imports run one way, and whoever decides is handed the time: the layout of docs and .importlinter, kept true."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "watchdog"

#: Folders that decide: given values and `now`, they return what is to be done.
DECIDERS = ("readings", "rules", "alerts", "notify", "cycle")

#: A library that would be felt everywhere is known in one place; its answers and errors are translated there.
SEAMS = [
    ("apprise", {"delivery"}),
    ("schedule", {"app"}),
    ("sqlalchemy", {"store"}),
    ("alembic", {"store"}),
    ("psycopg", {"store"}),
    ("lark", {"rules"}),
    ("uvicorn", {"web", "streamkap"}),
    ("resvg_py", {"delivery", "notify", "web"}),
]


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _place(module: Path) -> str:
    """The folder of the package a module is in, or its own name at the top."""
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imported(tree: ast.AST) -> set[str]:
    """Top-level names of everything imported anywhere in a module, late imports included."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def test_the_import_contracts_hold() -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(("library", "places"), SEAMS, ids=[library for library, _ in SEAMS])
def test_a_library_stays_behind_its_seam(library: str, places: set[str]) -> None:
    strangers = [
        str(module.relative_to(ROOT))
        for module in _modules()
        if _place(module) not in places and library in _imported(ast.parse(module.read_text("utf-8")))
    ]
    assert strangers == [], f"{library} belongs behind {places}"


def test_deciding_never_asks_for_the_time_nor_opens_a_file() -> None:
    """What import contracts cannot see: `datetime` and builtins are fine, asking them for the world is not."""
    found = []
    for module in _modules():
        if _place(module) not in DECIDERS:
            continue
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if called in {"open", "input", "print"} or called.endswith((".now", ".utcnow", ".today")):
                found.append(f"{module.relative_to(ROOT)}:{node.lineno}: {called}()")
    assert found == []


def test_every_module_opens_with_its_promise() -> None:
    silent = [
        str(module.relative_to(ROOT))
        for module in _modules()
        if module.read_text("utf-8").strip() and not ast.get_docstring(ast.parse(module.read_text("utf-8")))
    ]
    assert silent == []

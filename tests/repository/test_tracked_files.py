"""What is committed: no index host, no machine's path, no secret, every shipped file under a known licence."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: The top level is a table of contents; whatever is new there has to be meant.
TOP_LEVEL = {
    "watchdog", "rules", "tests", "docs", ".ci", "deploy", ".github", "findings",
    "Dockerfile", "compose.yaml", "Makefile", "pyproject.toml", "settings.example.env",
    "README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md", "CONTRIBUTING.md",
    "requirements.txt", "requirements-dev.txt", "requirements-build.txt", "requirements-supply.txt",
    ".gitignore", ".dockerignore", ".importlinter", ".hadolint.yaml",
}  # fmt: skip

#: What must not be in any text: what it is, and how it looks. Written so that this file does not match itself.
FORBIDDEN = [
    ("a package index's host", r"(pypi|pythonhosted|npmjs|npm)[.](org|com)|--(extra-)?index-url[ =]"),
    ("a registry in a lock file", r"^registry = |^source = \{ registry"),
    ("a path of somebody's machine", r"/home/[a-z]|/Users/[A-Za-z]|/root/[.](?!config/pip/)|/work/[a-z]"),
    ("a Slack token", r"xox[abpr]-[0-9]{6,}"),
    ("a private key", r"-----BEGIN [A-Z ]*PRIVATE" r" KEY-----"),
    ("a cloud key", r"\bAKIA[0-9A-Z]{16}\b"),
    ("a signed token", r"\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\."),
]


_LICENCE = re.compile(r"licen[cs]e", re.IGNORECASE)


def _tracked() -> list[Path]:
    """Every file git knows or would add; without git (a source archive) every file of the top level's folders."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\0")
        files = [ROOT / name for name in listed if name]
    except (OSError, subprocess.CalledProcessError):
        files = [file for name in TOP_LEVEL for file in ([ROOT / name, *(ROOT / name).rglob("*")])]
        files = [file for file in files if "__pycache__" not in file.parts]
    return sorted(file for file in files if file.is_file())


def _texts() -> list[tuple[str, str]]:
    found = []
    for file in _tracked():
        try:
            found.append((str(file.relative_to(ROOT)), file.read_text("utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def test_the_top_level_holds_only_what_is_meant() -> None:
    there = {file.relative_to(ROOT).parts[0] for file in _tracked()}
    assert there - TOP_LEVEL == set()


@pytest.mark.parametrize(("what", "pattern"), FORBIDDEN, ids=[what for what, _ in FORBIDDEN])
def test_no_tracked_file_holds(what: str, pattern: str) -> None:
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for name, text in _texts()
        if name != "tests/repository/test_tracked_files.py"
        for match in re.finditer(pattern, text, re.MULTILINE)
    ]
    assert found == [], f"{what} was committed"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "requirements-build.txt"])
def test_every_pin_has_a_hash(name: str) -> None:
    text = re.sub(r"^\s*#.*\n?", "", (ROOT / name).read_text("utf-8"), flags=re.MULTILINE)
    blocks = re.split(r"\n(?=\S)", text.strip())
    loose = [block.splitlines()[0] for block in blocks if "==" not in block or "--hash=sha256:" not in block]
    assert blocks and loose == []


@pytest.mark.parametrize(
    ("name", "extras"), [("requirements.txt", ()), ("requirements-dev.txt", ("dev",))], ids=["runtime", "development"]
)
def test_every_dependency_is_pinned(name: str, extras: tuple[str, ...]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    pinned = {_normal(line) for line in re.findall(r"^([\w.-]+)==", (ROOT / name).read_text("utf-8"), re.MULTILINE)}
    missing = {_normal(re.match(r"[\w.-]+", line)[0]) for line in asked} - pinned  # type: ignore[index]
    assert missing == set(), "run: make requirements"


def test_the_runtime_and_the_tests_stand_on_the_same_versions() -> None:
    runtime, development = (
        set(re.findall(r"^([\w.-]+==[\w.]+)", (ROOT / name).read_text("utf-8"), re.MULTILINE))
        for name in ("requirements.txt", "requirements-dev.txt")
    )
    assert runtime <= development, "run: make requirements"


def test_what_is_vendored_brings_its_licence() -> None:
    """In a folder called `vendor`, `uPlot.min.js` has `uPlot.LICENSE` beside it, or the folder one `LICENSE`."""
    alone = []
    for file in _tracked():
        if "vendor" not in file.parts or _LICENCE.search(file.name):
            continue
        licences = {other.name.split(".")[0].lower() for other in file.parent.iterdir() if _LICENCE.search(other.name)}
        if not licences & {file.name.split(".")[0].lower(), "license", "licence"}:
            alone.append(str(file.relative_to(ROOT)))
    assert alone == []


def test_the_changelog_knows_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert f'__version__ = "{version}"' in (ROOT / "watchdog/__init__.py").read_text("utf-8")
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

"""What commands print for people: beside a running service, on a terminal of eighty columns."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "web"))

from site_under_test import TOKEN, Site

from watchdog.commands.explain import explain
from watchdog.errors import ConfigError
from watchdog.readings.catalogue import CATALOGUE


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Path]]:
    folder = tmp_path_factory.mktemp("terminal")
    with Site(folder, sources=2) as made:
        made.breaks(made.sources[0])
        made.until(lambda: made.told.messages)
        yield made, folder


@pytest.fixture
def terminal(site: tuple[Site, Path]) -> Callable[..., str]:
    """What a command shows on a terminal of eighty columns, its errors too, without colours."""
    folder = site[1]
    env = {"PATH": os.environ["PATH"], "COLUMNS": "80", "TERM": "dumb", "WATCHDOG_RULES": str(folder / "rules.yaml"),
           "WATCHDOG_LISTEN": site[0].url.removeprefix("http://"), "WATCHDOG_WEB_TOKEN": TOKEN,
           "WATCHDOG_DATABASE_URL": f"sqlite:///{folder}/watchdog.db"}  # fmt: skip

    def run(*words: str) -> str:
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-m", "watchdog", *words], env=env, cwd=folder, stdout=theirs, stderr=theirs
        ):
            os.close(theirs)
            shown = b""
            try:
                while some := os.read(ours, 65536):
                    shown += some
            except OSError:  # how a terminal says that its program has ended
                pass
        os.close(ours)
        return shown.decode().replace("\r\n", "\n")

    return run


def test_no_name_is_cut_off_on_a_narrow_terminal(terminal: Callable[..., str]) -> None:
    shown = terminal("metrics")
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 80
    column = "".join(line[:22].strip() for line in shown.splitlines())  # names go on below
    assert [name for name in CATALOGUE if name not in column] == []


def test_the_story_of_an_alert_says_who_knows(site: tuple[Site, Path], terminal: Callable[..., str]) -> None:
    shown = terminal("explain", "SourceBehind", site[0].sources[0])
    assert "\nnotified     team at " in shown
    assert "\nfired when   StreamingMilliSecondsBehindSource is " in shown
    assert "\nnow          StreamingMilliSecondsBehindSource is " in shown
    assert "reading now  StreamingMilliSecondsBehindSource = " in shown
    assert "Notified team (json://127.0.0.1/…)" in " ".join(shown.split())
    assert "(firing)" in " ".join(shown.split())


def test_a_silence_says_what_it_matches_and_until_when(site: tuple[Site, Path], terminal: Callable[..., str]) -> None:
    name = site[0].sources[0]
    id_, says, *_ = terminal("silence", "add", f"name={name}", "--for", "2h").splitlines()
    assert says.startswith("matches 1 firing alert; ends 20")
    assert "matches no alert that fires now; ends" in terminal("silence", "add", "name=nobody", "--for", "2h")
    unknown = terminal("silence", "add", f"nmae={name}", "--for", "2h")
    assert unknown == f"nmae=\"{name}\": no alert has a label 'nmae'; did you mean 'name'?\n"
    assert f"{id_[:8]}  active" in terminal("silence", "list")
    assert terminal("silence", "expire", id_[:8]) == f'expired {id_}: name="{name}"\n'


def test_who_acknowledged_first_stays(site: tuple[Site, Path], terminal: Callable[..., str]) -> None:
    name = site[0].sources[0]
    first = terminal("ack", "SourceBehind", name, "--author", "eva", "--comment", "on it")
    assert first == f"acknowledged SourceBehind on {name}: no more reminders, no escalation\n"
    second = terminal("ack", "SourceBehind", name, "--author", "tom")
    assert second.startswith(f"SourceBehind on {name} was already acknowledged by eva at 20")
    assert second.endswith(": on it\n")


def test_why_an_alert_does_not_fire_is_asked_of_the_running_service(site, terminal: Callable[..., str]) -> None:
    fine = site[0].sources[1]
    shown = terminal("explain", "SourceBehind", fine)
    first, second, *rest = shown.splitlines()
    assert first.startswith(f"SourceBehind on source/{fine} (")
    assert second == "inactive; it has not fired, so nobody was notified"
    assert rest[0] == "last poll    false"
    assert rest[1].startswith("why          StreamingMilliSecondsBehindSource is ")
    assert any(line.startswith("reading      StreamingMilliSecondsBehindSource = ") for line in rest[2:])
    assert terminal("explain", "SourceBehind", "nobody").startswith("SourceBehind has not fired on 'nobody'")


def test_where_no_service_answers_nobody_can_say_why_an_alert_does_not_fire(site, monkeypatch, capsys) -> None:
    folder = site[1]
    monkeypatch.setenv("WATCHDOG_DATABASE_URL", f"sqlite:///{folder}/watchdog.db")
    monkeypatch.setenv("WATCHDOG_LISTEN", "127.0.0.1:1")
    with pytest.raises(ConfigError, match=r"only a running service knows why, and none answers at 127\.0\.0\.1:1"):
        explain("SourceBehind", site[0].sources[1], as_json=False)

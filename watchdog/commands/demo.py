"""`watchdog demo`: the real service against a built-in Streamkap, with every message on the terminal."""

from __future__ import annotations

import logging
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from watchdog.app.engine_store import EngineStore
from watchdog.app.logs import set_up
from watchdog.app.startup import client_of, poller_of, start
from watchdog.configuration.files import load_texts
from watchdog.delivery.layout import brief_of, hints_of, opening_of, words_of
from watchdog.notify.message import Message, MessageKind
from watchdog.settings import Settings
from watchdog.simulator import Simulator, builtin_scenario
from watchdog.store.store import Store

_COLOURS = {MessageKind.FIRING: "red", MessageKind.RESOLVED: "green", MessageKind.REMINDER: "yellow"}
_POLL = 2.0
#: Lets whoever looks at the demo's page act on it; it guards nothing but this demo.
_TOKEN = "watchdog-demo-token"
#: Seconds after the scripted incident by which every alert must be notified as resolved.
_PATIENCE = 60.0


class Terminal:
    """A target that prints. Stands where Slack, email or PagerDuty stand in a real configuration."""

    def __init__(self, console: Console, began: float) -> None:
        self._console = console
        self._began = began
        self.messages: list[Message] = []

    def open(self, target: str) -> Terminal:
        return self

    def label(self, target: str) -> str:
        return "this terminal"

    def send(self, message: Message) -> None:
        self.messages.append(message)
        colour = _COLOURS.get(message.kind, "cyan")
        at = f"{message.at - self._began:5.0f}s"
        self._print(Text.assemble((at, "dim"), "  ", (message.title, f"bold {colour}")), indent=0)
        for text in opening_of(message):
            self._print(Text(text))
        for line in message.changed:
            for text in words_of(line)[:1]:
                self._print(Text(text))
            self._print(Text(brief_of(line), "dim"))
        for _, command in hints_of(message):
            self._print(Text(f"$ {command}", "dim"))

    def _print(self, text: Text, indent: int = 8) -> None:
        """On a terminal a long text goes on below its beginning, in a pipe in its line."""
        if self._console.is_terminal:
            self._console.print(Padding(text, (0, 0, 0, indent), expand=False), soft_wrap=False)
        else:
            self._console.print(Text(" " * indent) + text)


def demo(*, once: bool, port: int, console: Console | None = None) -> int:
    """An incident of four faults, from the first alert to the last. 0 when every alert fired and resolved, else 1."""
    console = console or Console(soft_wrap=True)
    set_up("console", "warning")
    scenario = builtin_scenario("demo")
    stop = threading.Event()
    _on_interrupt(stop.set)
    with tempfile.TemporaryDirectory(prefix="watchdog-demo-") as folder, Simulator(scenario=scenario) as streamkap:
        rules = Path(folder) / "rules.yaml"
        rules.write_text(files("watchdog.commands").joinpath("demo_rules.yaml").read_text(encoding="utf-8"))
        settings = Settings.load(
            {
                "STREAMKAP_HOST": streamkap.url,
                "STREAMKAP_CLIENT_ID": streamkap.client_id,
                "STREAMKAP_SECRET": streamkap.secret,
                "WATCHDOG_RULES": str(rules),
                "WATCHDOG_DATABASE_URL": f"sqlite:///{folder}/demo.db",
                "WATCHDOG_POLL_EVERY": f"{_POLL:.0f}s",
                "WATCHDOG_LISTEN": f"127.0.0.1:{port}",
                "WATCHDOG_NAME": "demo",
                "WATCHDOG_WEB_TOKEN": _TOKEN,
            },
            env_file=None,
            secrets=Path(folder),
        )
        store = Store.open(settings.watchdog_database_url.get_secret_value(), name="demo")
        client = client_of(settings)
        began = time.time()
        terminal = Terminal(console, began)
        _welcome(console, scenario.description, scenario.ends or 0.0)
        started = start(
            settings, {}, store, poller_of(settings, client), carriers=terminal,
            load_policy=lambda: load_texts({"rules.yaml": rules.read_text(encoding="utf-8")}, {}),
        )  # fmt: skip
        threading.Thread(target=started.service.run, name="service", daemon=True).start()
        if started.server is not None:
            console.print("Status page: http://{}:{}/".format(*started.server.address), highlight=False)
            console.print(f"To acknowledge or silence there, sign in with the token: {_TOKEN}", highlight=False)
        console.print(f"For commands in another terminal: {_exports(settings)}\n", highlight=False)
        closed = _wait(started.service.engine_store, terminal, stop, began + (scenario.ends or 0.0))
        if closed:
            fired = sum(len(message.changed) for message in terminal.messages if message.kind is MessageKind.FIRING)
            ended = sum(one.phase == "resolved" for message in terminal.messages for one in message.changed)
            console.print(f"\n[bold]The incident has ended:[/] {fired} alerts fired, {ended} resolved.")
        elif not stop.is_set():
            console.print("\n[bold red]The demo failed: not every alert was notified and resolved in time.[/]")
        if closed and not once:
            console.print("Ctrl-C ends the demo.")
            stop.wait()
        started.service.stop()
        started.close()
        client.stop()
        store.close()
    logging.shutdown()
    return 0 if closed or stop.is_set() else 1


def _welcome(console: Console, description: str, ends: float) -> None:
    console.print(f"[bold]watchdog demo[/]: {description}", highlight=False)
    console.print(
        f"A built-in Streamkap with twelve sources, polled every {_POLL:.0f}s. It takes about {ends:.0f}s.\n",
        highlight=False,
    )


def _exports(settings: Settings) -> str:
    """What makes `watchdog status`, `ack` and `silence` speak to this demo."""
    return f"export WATCHDOG_DATABASE_URL={settings.watchdog_database_url.get_secret_value()}"


def _wait(engine_store: EngineStore, terminal: Terminal, stop: threading.Event, ends: float) -> bool:
    """Waits until every alert has resolved and been notified; False on a timeout or an interrupt."""
    while not stop.wait(0.2):
        now = time.time()
        if now > ends + _PATIENCE:
            return False
        with engine_store.reading() as engine:
            quiet = not engine.records.open_episodes() and not engine.records.notifications and not engine.records.over
        if now > ends and quiet and terminal.messages:
            return True
    return False


def _on_interrupt(end: Callable[[], None]) -> None:
    def ended(number: int, frame: FrameType | None) -> None:
        end()

    signal.signal(signal.SIGINT, ended)
    signal.signal(signal.SIGTERM, ended)

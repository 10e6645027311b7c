"""A running watchdog with its pages, in this process, against a Streamkap of its own; what tests break and mend."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

from watchdog.app.startup import client_of, poller_of, start
from watchdog.notify.message import Message
from watchdog.settings import Settings
from watchdog.simulator import Simulator
from watchdog.store.store import Store

LAG = "StreamingMilliSecondsBehindSource"
TOKEN = "let-me-in"
RULES = """
rules:
  - alert: SourceBehind
    each: source
    expr: StreamingMilliSecondsBehindSource > limit
    params: {limit: 5m}
    flapping: off
    annotations:
      summary: "{{ name }} is {{ value | duration }} behind its source"
      description: "Limit {{ params.limit | duration }}."
      runbook_url: https://wiki.example.com/lag
  - alert: TaskFailed
    each: task
    expr: task_status == "FAILED"
    severity: critical
    flapping: off
    annotations: {summary: "Task {{ task }} of {{ name }} has failed"}
  - alert: NeverTrue
    each: destination
    where: {name: no-such-*}
    expr: recordsLag > 100
receivers:
  team: {to: ["json://127.0.0.1:9/"]}
routes:
  - to: [team]
    group_wait: 0s
    group_interval: 0s
"""


class Told:
    """A target that keeps what it is given."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def open(self, target: str) -> Told:
        return self

    def label(self, target: str) -> str:
        return "json://127.0.0.1/…"

    def send(self, message: Message) -> None:
        self.messages.append(message)


class Site:
    """`with Site(folder) as site`: polls every `every` seconds, pages at `site.url`."""

    def __init__(
        self,
        folder: Path,
        *,
        sources: int = 4,
        every: str = "1s",
        rules: str = RULES,
        told: Told | None = None,
        **env: str,
    ) -> None:
        self._closing = ExitStack()
        self.streamkap = self._closing.enter_context(Simulator(sources=sources))
        for source in self.streamkap.fleet.sources:
            self.streamkap.set(source.id, LAG, 500)
        self.told = told or Told()
        self._rules = folder / "rules.yaml"
        self.write_rules(rules)
        self._settings = Settings.load(
            {
                "STREAMKAP_HOST": self.streamkap.url,
                "STREAMKAP_CLIENT_ID": self.streamkap.client_id,
                "STREAMKAP_SECRET": self.streamkap.secret,
                "WATCHDOG_RULES": str(folder / "rules.yaml"),
                "WATCHDOG_DATABASE_URL": f"sqlite:///{folder}/watchdog.db",
                "WATCHDOG_POLL_EVERY": every,
                "WATCHDOG_LISTEN": "127.0.0.1:0",
                "WATCHDOG_NAME": "test",
                "WATCHDOG_WEB_TOKEN": TOKEN,
                **env,
            },
            env_file=None,
            secrets=folder,
        )
        self.sources = [source.name for source in self.streamkap.fleet.sources]
        self._serve()

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._closing.close()

    @property
    def store(self) -> Store:
        return self._store

    def stop(self) -> None:
        """The watchdog ends; Streamkap goes on."""
        self._service.stop()
        self._started.close()
        self._client.stop()
        self._client.close()
        self._thread.join(10)
        self._store.close()

    def again(self) -> None:
        """The watchdog comes back at the same address."""
        host, port = self.url.removeprefix("http://").split(":")
        self._settings = self._settings.model_copy(update={"watchdog_listen": f"{host}:{port}"})
        self._serve()

    def breaks(self, source: str, lag: float = 900_000) -> None:
        self.streamkap.set(source, LAG, lag)
        self.until(lambda: self._fires("SourceBehind", source))

    def mends(self, source: str) -> None:
        self.streamkap.set(source, LAG, 500)
        self.until(lambda: not self._fires("SourceBehind", source))

    def write_rules(self, text: str) -> None:
        self._rules.write_text(text)

    def until_fires(self, alert: str, entity: str) -> None:
        self.until(lambda: self._fires(alert, entity))

    def until_polled(self, times: int = 1) -> None:
        """Until so many more polls have been judged."""
        for _ in range(times):
            before = self._service.engine_store.evaluation
            self.until(lambda before=before: self._service.engine_store.evaluation is not before)

    def until(self, true: Callable[[], object], timeout: float = 15.0) -> None:
        """Wait for the service, which runs on the real clock."""
        deadline = time.monotonic() + timeout
        while not true():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.05)

    def _fires(self, alert: str, entity: str) -> bool:
        with self._service.engine_store.reading() as engine:
            return any(one.alert.rule == alert and one.facts.entity == entity for one in engine.records.open_episodes())

    def _serve(self) -> None:
        self._store = Store.open(self._settings.watchdog_database_url.get_secret_value(), name="test")
        self._client = client_of(self._settings)
        self._started = start(self._settings, {}, self._store, poller_of(self._settings, self._client),
                              carriers=self.told)  # fmt: skip
        self._service = self._started.service
        assert self._started.server is not None
        self.url = "http://{}:{}".format(*self._started.server.address)
        self._thread = Thread(target=self._service.run, name="service", daemon=True)
        self._thread.start()
        self.until(lambda: self._service.progress.poll_succeeded, 30)

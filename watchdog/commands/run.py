"""`watchdog run`: the service in this process, until a signal ends it."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from watchdog import __version__
from watchdog.app.certificates import trust
from watchdog.app.logs import set_up
from watchdog.app.memory import calm_collector, one_heap
from watchdog.app.service import Service
from watchdog.app.startup import Started, client_of, poller_of, stand_by, start
from watchdog.commands.signals import Signals
from watchdog.delivery import redaction
from watchdog.environment import read_variables
from watchdog.readings.poll import Poll
from watchdog.settings import Settings, unknown_variables
from watchdog.store.lease import Leadership
from watchdog.store.store import Store

logger = logging.getLogger(__name__)

#: How often a replica that stands by looks whether it may lead.
_STAND_BY = 0.5


def run(signals: Signals, *, strict: bool, record: Path | None) -> int:
    """The service; returns the exit code. Raises what cannot be started with."""
    one_heap()
    found = read_variables()
    settings = Settings.load()
    trust(settings.watchdog_ca_file)
    set_up(settings.watchdog_log_format, settings.watchdog_log_level, redaction.known.scrub)
    for warning in unknown_variables(found):
        logger.warning("unknown variable", extra={"warning": warning})
    for warning in settings.warnings:
        logger.warning("setting to change", extra={"warning": warning})
    lost = True
    while lost and not signals.stop.is_set():
        lost = _term(settings, found, signals, strict=strict, record=record)
    # a target that hangs may still hold a thread of a library; everything that has to be kept is kept
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


def _term(
    settings: Settings,
    found: dict[str, str],
    signals: Signals,
    *,
    strict: bool,
    record: Path | None,
) -> bool:
    """One time as leader, and the standing by before it; True if another replica has taken over."""
    with ExitStack() as closing:
        store = Store.open(settings.watchdog_database_url.get_secret_value(), name=settings.watchdog_name)
        closing.callback(store.close)
        leadership = store.lead(settings.watchdog_poll_every)
        leadership.start()
        _stand_by(settings, found, store, leadership, signals.stop)
        if signals.stop.is_set():
            return False
        client = client_of(settings)
        closing.callback(client.close)
        on_poll = closing.enter_context(_recording(record)) if record is not None else _ignore
        started = start(settings, found, store, poller_of(settings, client), strict=strict, on_poll=on_poll,
                        may_send=leadership.may_send)  # fmt: skip
        closing.callback(started.close)
        signals.on_hangup = started.service.reload
        logger.info("started", extra=_looks_like(settings, started, store))
        calm_collector()
        ended = threading.Event()
        closing.callback(ended.set)
        watch = threading.Thread(target=_end_when, args=(started.service, signals.stop, ended, lambda: leadership.lost),
                                 name="signals", daemon=True)  # fmt: skip
        watch.start()
        started.service.run()
        client.stop()
        return leadership.lost


def _looks_like(settings: Settings, started: Started, store: Store) -> dict[str, object]:
    """What somebody wants to see of a service that begins: what it watches by what, and where it can be looked at."""
    with started.service.engine_store.reading() as engine:
        policy = engine.policy
    page = "off" if started.server is None else "http://{}:{}/".format(*started.server.address)
    return {"version": __version__, "api": settings.streamkap_host, "database": store.place,
            "rules": len(policy.rules),
            "targets": sum(len(one.targets) for one in policy.receivers.values()), "page": page}  # fmt: skip


def _stand_by(
    settings: Settings, found: dict[str, str], store: Store, leadership: Leadership, stop: threading.Event
) -> None:
    """Wait for the lead; meanwhile pages and probes are answered from what the leader writes."""
    if leadership.leading:
        return
    logger.info("standing by", extra={"replica": settings.watchdog_name})
    server = stand_by(settings, found, store)
    while not leadership.leading and not stop.wait(_STAND_BY):
        pass
    if server is not None:
        server.stop()


def _end_when(service: Service, stop: threading.Event, ended: threading.Event, lost: Callable[[], bool]) -> None:
    while not ended.is_set():
        if stop.wait(1.0) or lost():
            service.stop()
            return


def _ignore(poll: Poll) -> None:
    """Nothing is recorded."""


@contextmanager
def _recording(file: Path) -> Iterator[Callable[[Poll], None]]:
    from watchdog.streamkap.recording import Recorder

    recorder = Recorder(file)
    try:
        yield recorder.record
    finally:
        recorder.close()

"""`watchdog poll`: one poll as a table."""

from __future__ import annotations

import time

from watchdog.app.startup import client_of, poller_of
from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import instant, table
from watchdog.notify.rendering import in_words, unit_of
from watchdog.readings.fleet import REAL_KINDS
from watchdog.readings.poll import Poll
from watchdog.readings.presence import Presence
from watchdog.readings.snapshot import Reading, Snapshot
from watchdog.rules.rule import Quantity
from watchdog.settings import Settings
from watchdog.web.v1.conversion import entity_object


def poll(*, as_json: bool) -> int:
    """One poll; raises the first ApiError where nothing at all was answered."""
    settings = Settings.load()
    with client_of(settings) as client:
        polled = poller_of(settings, client).poll(time.time())
    presence, _ = Presence.of([], polled.at).after(polled.listing, polled.at)
    if polled.listing is None and polled.failures:
        raise polled.failures.errors[0]
    snapshot = polled.snapshot(presence.fleet)
    if as_json:
        print_json(_objects(snapshot, polled))
    else:
        rows = [
            (str(entity.key.kind), entity.name, reading.metric, _shown(reading))
            for kind in REAL_KINDS
            for entity in snapshot.fleet.table(kind).entities
            for reading in snapshot.readings(entity.key) or [Reading("-", None, polled.at)]
        ]
        table(("kind", "name", "metric", "reading"), rows, empty="the account has nothing to watch")
    return _report(polled)


def _report(polled: Poll) -> int:
    """What failed goes to stderr; a poll with failures could not see everything."""
    import sys

    for error in polled.failures.errors:
        sys.stderr.write(f"{error}\n")
    return 3 if polled.failures else 0


def _shown(reading: Reading) -> str:
    if reading.value is None:
        return "no reading"
    return in_words(Quantity(reading.value, unit_of(reading.metric)))


def _objects(snapshot: Snapshot, polled: Poll) -> dict[str, object]:
    entities = [
        entity_object(entity, snapshot) for kind in REAL_KINDS for entity in snapshot.fleet.table(kind).entities
    ]
    return {"at": instant(polled.at), "entities": entities, "errors": [str(one) for one in polled.failures.errors]}

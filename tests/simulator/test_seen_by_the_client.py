"""The product's own client sees the same account, whatever the API's dialect."""

from __future__ import annotations

import pytest

from watchdog.readings.fleet import EntityKey, Kind
from watchdog.simulator import Dialect
from watchdog.streamkap.client import StreamkapClient
from watchdog.streamkap.poll import Poller
from watchdog.streamkap.signin import Credentials


@pytest.fixture
def polled(account, clock):
    """Polls an account once: its entities, and the readings of each."""

    def poll(dialect: Dialect, sources: int = 12):
        clock.to(0)
        acct = account(dialect=dialect, sources=sources)
        clock.to(30)
        with StreamkapClient(acct.sim.url, Credentials(acct.sim.client_id, acct.sim.secret)) as client:
            found = Poller(client).poll(clock.now)
        assert not found.failures.errors
        return acct, found

    return poll


def readings(found, key):
    return {(reading.metric, reading.value) for reading in found.layers.describe(key)}


DIALECTS = [
    Dialect("B"),
    Dialect("rows"),
    Dialect("rows", int_task_keys=True, task_key="state"),
    Dialect("wrapped", task_key="mixed"),
    Dialect("flat"),
    Dialect(int_task_keys=True),
    Dialect(numeric_strings=True, booleans=True, paging="none"),
    Dialect(paging="has_next"),
]


@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
def test_every_dialect_makes_the_same_readings(polled, dialect):
    (acct, expected), (_, found) = polled(Dialect()), polled(dialect)
    source, sink = acct.sim.find("prod-inventory").id, acct.sim.find("warehouse").id
    pipeline = acct.sim.find("prod-orders-to-warehouse").id
    for key in (
        EntityKey(Kind.SOURCE, source),
        EntityKey(Kind.TASK, f"{source}/1"),
        EntityKey(Kind.TOPIC, f"{source}/source_{source}.dbo.stock"),
        EntityKey(Kind.DESTINATION, sink),
        EntityKey(Kind.PIPELINE, pipeline),
        EntityKey(Kind.TRANSFORM, acct.sim.find("prod-payments-clean").id),
    ):
        assert readings(expected, key), key
        assert readings(found, key) == readings(expected, key)
    assert [entity.key for entity in found.listing.entities] == [entity.key for entity in expected.listing.entities]


def test_an_empty_bulk_answer_leaves_the_readings_of_single_entities(polled):
    acct, found = polled(Dialect("empty"))
    names = {metric for metric, _ in readings(found, EntityKey(Kind.SOURCE, acct.id("prod-orders")))}
    assert {"StreamingMilliSecondsBehindSource", "sourceRecordWriteTotal", "connector_status"} <= names


def test_an_account_of_250_connectors_is_seen_whole(polled):
    _, found = polled(Dialect(paging="total"), sources=250)
    assert sum(entity.key.kind is Kind.SOURCE for entity in found.listing.entities) == 250

"""The world over time, told on a clock moved by hand: what incidents do to readings, and what they leave alone."""

from __future__ import annotations

import pytest

from watchdog.simulator import Destination, Simulator, Source, parse_scenario


@pytest.fixture
def story(account):
    """An account in which the given events happen."""

    def tell(*events: str, **how):
        text = "events:\n" + "".join(f"  - {{{event}}}\n" for event in events)
        return account(scenario=parse_scenario(text), **how)

    return tell


def series(acct, read, *instants):
    found = []
    for at in instants:
        acct.clock.to(at)
        found.append(read())
    return found


def test_counters_grow_with_time_and_are_the_same_for_the_same_seed(account):
    one, twin, other = account(seed=5), account(seed=5), account(seed=6)
    read = [acct.source("prod-orders")["sourceRecordWriteTotal"] for acct in (one, twin, other)]
    assert read[0] == read[1] != read[2]
    growth = series(one, lambda: one.source("prod-orders")["sourceRecordWriteTotal"], 0, 60, 120)
    assert growth == sorted(set(growth))
    assert 300 < growth[1] - growth[0] < 2000
    assert one.get("/sources/metrics") == twin.get("/sources/metrics")


def test_a_reading_does_not_depend_on_when_it_was_read_before(account):
    one, twin = account(), account()
    series(one, lambda: one.source("prod-orders"), 5, 90, 700)
    assert one.source("prod-orders") == twin.source("prod-orders")


def test_lag_grows_stays_and_drains(story):
    acct = story("at: 20s, until: 90s, do: lag, entity: prod-orders, to: 10m, over: 30s, drain: 10s")
    lag = series(acct, lambda: acct.source("prod-orders")["StreamingMilliSecondsBehindSource"], 19, 35, 50, 89, 95, 101)
    assert lag[0] < 2_000
    assert [round(value / 60_000) for value in lag] == [0, 5, 10, 10, 5, 0]
    assert acct.source("prod-payments")["StreamingMilliSecondsBehindSource"] < 2_000
    acct.clock.to(60)
    assert acct.pipeline("prod-orders-to-warehouse")["latency"] > 600_000


def test_an_idle_source_is_healthy_its_lag_freezes_and_its_clock_runs(story):
    acct = story("at: 60s, until: 600s, do: idle, entity: prod-orders")
    before, later = series(acct, lambda: acct.source("prod-orders"), 61, 301)
    frozen = "StreamingMilliSecondsBehindSource sourceRecordWriteTotal StreamingTotalNumberOfCreateEventsSeen"
    for metric in frozen.split():
        assert before[metric] == later[metric]
    assert later["StreamingMilliSecondsSinceLastEvent"] - before["StreamingMilliSecondsSinceLastEvent"] == 240_000
    assert acct.listed("/sources", "prod-orders")["connector_status"] == "Active"
    acct.clock.to(660)
    busy = acct.source("prod-orders")
    assert busy["StreamingMilliSecondsSinceLastEvent"] < 1000
    assert 0 < busy["sourceRecordWriteTotal"] - later["sourceRecordWriteTotal"] < 2000  # nothing to catch up with


def test_lag_freezes_at_its_bad_value_when_events_end(story):
    acct = story(
        "at: 10s, until: 100s, do: lag, entity: prod-orders, to: 10m",
        "at: 50s, until: 500s, do: idle, entity: prod-orders",
    )
    lag = series(acct, lambda: acct.source("prod-orders")["StreamingMilliSecondsBehindSource"], 60, 400, 501)
    assert lag[0] == lag[1] > 600_000
    assert lag[2] < 2_000


def test_a_silent_stall_reads_but_writes_nothing_and_everything_says_active(story):
    acct = story("at: 30s, until: 90s, do: stall, entity: prod-payments")
    first, later, after = series(acct, lambda: acct.source("prod-payments"), 31, 89, 90)
    assert first["sourceRecordWriteTotal"] == later["sourceRecordWriteTotal"] < after["sourceRecordWriteTotal"]
    assert first["StreamingTotalNumberOfCreateEventsSeen"] < later["StreamingTotalNumberOfCreateEventsSeen"]
    acct.clock.to(60)
    item = acct.listed("/sources", "prod-payments")
    assert (item["connector_status"], item["task_statuses"]) == ("Active", {"0": {"status": "RUNNING"}})


def test_a_connector_that_is_stuck_altogether_looks_as_if_idle(story):
    acct = story("at: 30s, until: 90s, do: stall, entity: prod-payments, reading: false")
    first, later, after = series(acct, lambda: acct.source("prod-payments"), 31, 89, 90)
    assert first["StreamingTotalNumberOfCreateEventsSeen"] == later["StreamingTotalNumberOfCreateEventsSeen"]
    assert first["StreamingMilliSecondsBehindSource"] == later["StreamingMilliSecondsBehindSource"]
    assert later["StreamingMilliSecondsSinceLastEvent"] > 58_000
    assert after["sourceRecordWriteTotal"] > later["sourceRecordWriteTotal"] + 100  # it catches up


def test_a_task_fails_behind_an_active_connector(story):
    acct = story("at: 10s, until: 60s, do: task_failed, entity: prod-inventory, task: 1")
    id = acct.id("prod-inventory")
    read = lambda: acct.get("/sources/metrics", ids=id)["task_metrics"][id]  # noqa: E731
    first, later = series(acct, read, 15, 55)
    assert first["1"] == later["1"]
    assert first["0"]["sourceRecordWriteTotal"] < later["0"]["sourceRecordWriteTotal"]
    item = acct.listed("/sources", "prod-inventory")
    assert item["connector_status"] == "Active"
    assert [task["status"] for task in item["task_statuses"].values()] == ["RUNNING", "FAILED"]
    acct.clock.to(60)
    assert acct.listed("/sources", "prod-inventory")["task_statuses"]["1"] == {"status": "RUNNING"}


def test_a_restart_blips_resets_counters_and_knows_nothing_until_an_event(story):
    acct = story("at: 100s, do: restart, entity: prod-orders, takes: 10s, first_event: 20s")
    states = series(acct, lambda: acct.listed("/sources", "prod-orders")["connector_status"], 99, 100, 106, 110)
    assert states == ["Active", "Unassigned", "Starting", "Active"]
    before, silent, again = series(acct, lambda: acct.source("prod-orders"), 99, 115, 200)
    assert silent["StreamingMilliSecondsBehindSource"] == silent["StreamingMilliSecondsSinceLastEvent"] == -1
    assert silent["sourceRecordWriteTotal"] == 0
    assert 0 < again["sourceRecordWriteTotal"] < before["sourceRecordWriteTotal"]
    assert again["StreamingMilliSecondsBehindSource"] > 0


@pytest.mark.parametrize(
    ("event", "status", "desired", "task"),
    [
        ("do: broken", "Broken", "Active", "FAILED"),
        ("do: paused", "Paused", "Paused", "PAUSED"),
        ("do: stopped", "Stopped", "Active", "STOPPED"),
        ("do: stopped, desired_state: Stopped", "Stopped", "Stopped", "STOPPED"),
        ("do: status, value: Pending Update", "Pending Update", "Active", "RUNNING"),
        ("do: status, value: Quiescing", "Quiescing", "Active", "RUNNING"),
        ("do: status, value: null", None, "Active", "RUNNING"),
        ("do: status, value: Unassigned", "Unassigned", "Active", "UNASSIGNED"),
    ],
)
def test_states_of_connectors(story, event, status, desired, task):
    acct = story(f"at: 5s, until: 10s, entity: destination/warehouse, {event}")
    acct.clock.to(5)
    item = acct.listed("/destinations", "warehouse")
    assert (item["connector_status"], item["desired_state"]) == (status, desired)
    assert {found["status"] for found in item["task_statuses"].values()} == {task}
    id = item["id"]
    assert acct.get("/destinations/metrics")["inline_metrics"][id]["connector_status"][0]["value"] == status
    acct.clock.to(10)
    assert acct.listed("/destinations", "warehouse")["connector_status"] == "Active"


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("do: broken, entity: source/prod-payments", "Broken"),
        ("do: broken, entity: destination/analytics", "Broken"),
        ("do: paused, entity: source/prod-payments", "Stopped"),
        ("do: transform_failed, entity: prod-payments-clean", "Broken"),
        ("do: broken, entity: pipeline/prod-payments-to-analytics", "Broken"),
        ("do: status, value: Bewildered, entity: pipeline/prod-payments-to-analytics", "Bewildered"),
        ("do: task_failed, entity: source/prod-payments", "Active"),
        ("do: broken, entity: destination/reporting", "Active"),
    ],
)
def test_a_pipeline_is_as_good_as_what_it_is_made_of(story, event, status):
    acct = story(f"at: 5s, until: 10s, {event}")
    acct.clock.to(6)
    assert acct.pipeline("prod-payments-to-analytics")["status"] == status
    acct.clock.to(10)
    assert acct.pipeline("prod-payments-to-analytics")["status"] == "Active"


def test_a_destination_falls_behind_and_catches_up(story):
    acct = story("at: 10s, until: 40s, do: destination_lag, entity: warehouse, to: 50000, over: 20s, drain: 10s")
    lag = series(acct, lambda: acct.destination("warehouse")["recordsLag"], 9, 20, 30, 45, 50)
    assert [round(value / 5_000) for value in lag] == [0, 5, 10, 5, 0]
    sent = series(acct, lambda: acct.destination("warehouse")["recordSendTotal"], 11, 39, 41)
    assert sent[0] == sent[1] < sent[2]


def test_dead_letters_pile_up_while_the_lag_stays_low(story):
    acct = story("at: 10s, until: 70s, do: dead_letters, entity: warehouse, rate: 3")
    found = series(acct, lambda: acct.destination("warehouse"), 10, 40, 100)
    assert [data["deadletterqueueProduceRequests"] for data in found] == [0, 90, 180]
    assert max(data["recordsLag"] for data in found) < 1_000


def test_a_transform_fails_and_starts_anew(story):
    acct = story("at: 10s, until: 40s, do: transform_failed, entity: prod-payments-clean, status: FAILING")
    id = acct.id("prod-payments-clean")
    states = series(acct, lambda: acct.get(f"/transforms/{id}/job_status")["status"], 9, 10, 40)
    assert states == ["RUNNING", "FAILING", "RUNNING"]
    acct.clock.to(100)
    metrics = acct.listed("/transforms/details", "prod-payments-clean")["metrics"]
    assert (metrics["status"], metrics["duration"], metrics["end_time"]) == ("RUNNING", 60_000, "")


@pytest.mark.parametrize("outcome", ["completed", "failed", "cancelled", "hanging"])
def test_a_snapshot_runs_and_ends(story, outcome):
    acct = story(f"at: 10s, until: 110s, do: snapshot, entity: prod-orders, rows: 1000, outcome: {outcome}")
    early, late, after = series(acct, lambda: acct.source("prod-orders"), 30, 90, 110)
    assert (early["state"], early["snapshotState"], early["SnapshotRunning"]) == ("Snapshotting", "running", 1)
    assert early["SnapshotTotalNumberOfEventsSeen"] == 200
    assert late["SnapshotTotalNumberOfEventsSeen"] == (400 if outcome == "hanging" else 800)
    assert late["SnapshotMilliSecondsSinceLastEvent"] == (40_000 if outcome == "hanging" else 0)
    end = "completed" if outcome == "hanging" else outcome
    assert (after["state"], after["snapshotState"], after["snapshotStatus"][0]["status"]) == ("Streaming", end, end)


def test_entities_vanish_appear_and_change_their_names(story):
    acct = story(
        "at: 10s, until: 20s, do: vanish, entity: source/prod-orders",
        "at: 10s, do: appear, entity: source/prod-catalog",
        "at: 15s, do: rename, entity: source/prod-clicks, to: clicks",
    )
    names = series(acct, lambda: {s["name"] for s in acct.get("/sources", page_size=100)["result"]}, 5, 10, 15, 20)
    assert ["prod-orders" in found for found in names] == [True, False, False, True]
    assert ["prod-catalog" in found for found in names] == [False, True, True, True]
    assert ["clicks" in found for found in names] == [False, False, True, True]
    acct.clock.to(12)
    assert acct.id("prod-orders") not in acct.get("/sources/metrics")["connector_metrics"]
    assert acct.listed("/pipelines", "prod-orders-to-warehouse")["source"] is None


def test_readings_go_missing_stand_still_or_are_what_somebody_says(story):
    acct = story(
        "at: 10s, until: 20s, do: no_readings, entity: source/prod-orders",
        "at: 20s, until: 30s, do: no_readings, entity: source/prod-orders, metrics: [byteTotal, latency]",
        "at: 30s, until: 90s, do: stale, entity: source/prod-orders",
        "at: 90s, until: 99s, do: set, entity: source/prod-orders, metric: byteTotal, value: 7",
        "at: 90s, until: 99s, do: set, entity: source/prod-orders, metric: x, value: '7', topic: public.orders",
    )
    id = acct.id("prod-orders")
    read = lambda: acct.get("/sources/metrics", ids=id)  # noqa: E731
    none, few, still, later, said = series(acct, read, 15, 25, 31, 89, 95)
    assert id not in none["connector_metrics"]
    assert "byteTotal" not in few["connector_metrics"][id]
    assert "sourceRecordWriteTotal" in few["connector_metrics"][id]
    assert still["connector_metrics"] == later["connector_metrics"]
    assert still["inline_metrics"][id]["latency"][0]["timestamp"] == "2030-03-17 17:47:10"
    assert said["connector_metrics"][id]["byteTotal"] == 7
    assert said["topic_metrics"][id][f"source_{id}.public.orders"]["x"] == "7"


def test_time_runs_faster_with_speed_but_timestamps_do_not(story):
    acct = story("at: 60s, until: 120s, do: paused, entity: source/prod-orders", speed=60)
    states = series(acct, lambda: acct.listed("/sources", "prod-orders")["connector_status"], 0.9, 1, 2)
    assert states == ["Active", "Paused", "Active"]
    points = acct.get("/sources/metrics")["inline_metrics"][acct.id("prod-orders")]["latency"]
    assert points[0]["timestamp"] == "2030-03-17 17:46:42"


def test_sources_that_are_not_debezium_have_no_streaming_metrics(account):
    data = account().source("prod-sessions")
    assert not [name for name in data if name.startswith(("Streaming", "Snapshot"))]
    assert data["sourceRecordWriteTotal"] > 0


def test_the_last_event_holds_a_key(account):
    assert "key: {" in account().source("prod-orders")["StreamingLastEvent"]


def test_readings_and_states_set_by_hand_hold_from_then_on(account, clock):
    acct = account()
    sim, id = acct.sim, acct.id("prod-inventory")
    clock.to(10)
    sim.set("prod-inventory", "StreamingMilliSecondsBehindSource", 900_000)
    sim.set("prod-inventory", "sourceRecordWriteTotal", 5, task=1)
    sim.set("prod-inventory", "neverHeardOf", "12", topic="dbo.stock")
    sim.state("prod-inventory", "Starting", desired_state="Active", task_statuses={1: "RESTARTING"})
    sim.state("prod-payments-clean", "INITIALIZING")
    clock.to(20)
    found = acct.get("/sources/metrics", ids=id)
    assert found["connector_metrics"][id]["StreamingMilliSecondsBehindSource"] == 900_000
    assert found["task_metrics"][id]["1"]["sourceRecordWriteTotal"] == 5
    assert found["topic_metrics"][id][f"source_{id}.dbo.stock"]["neverHeardOf"] == "12"
    item = acct.listed("/sources", "prod-inventory")
    assert (item["connector_status"], item["task_statuses"]["1"]) == ("Starting", {"status": "RESTARTING"})
    assert acct.listed("/transforms", "prod-payments-clean")["status"] == "INITIALIZING"
    sim.unset("prod-inventory", "StreamingMilliSecondsBehindSource")
    sim.unset("prod-inventory", "connector_status")
    assert acct.source("prod-inventory")["StreamingMilliSecondsBehindSource"] < 2_000
    assert acct.listed("/sources", "prod-inventory")["connector_status"] == "Active"


def test_a_series_keeps_the_past_as_it_was(account, clock):
    acct = account()
    clock.to(600)
    acct.sim.set("prod-orders", "byteTotal", 1)
    id = acct.id("prod-orders")
    points = acct.get(
        f"/sources/{id}/metrics", time_type="timeseries", timestamp_from="2030-03-17T17:54:40Z", time_unit="minute"
    )["data"]["byteTotal"]
    assert [point["value"] == 1 for point in points] == [False, False, True]


def test_entities_come_and_go_by_hand(account):
    acct = account(sources=2)
    sim = acct.sim
    sim.remove("prod-orders")
    sim.rename("prod-payments", "money")
    sim.add(Source("a" * 24, "new-one", tables=("public.t",)))
    sim.add(Destination("b" * 24, "new-sink"))
    assert [item["name"] for item in acct.get("/sources")["result"]] == ["money", "new-one"]
    assert acct.source("new-one")["sourceRecordWriteTotal"] > 0
    assert acct.destination("new-sink")["recordsLag"] == 0
    sim.restore("prod-orders")
    assert [item["name"] for item in acct.get("/sources")["result"]] == ["prod-orders", "money", "new-one"]


@pytest.mark.parametrize(
    ("name", "says"),
    [("nobody", "not in the fleet; there are source/prod-orders"), ("twice", "source/twice or destination/twice")],
)
def test_names_that_fit_nobody_or_several_are_refused(clock, name, says):
    sim = Simulator(clock=clock, sources=1)
    sim.add(Source("a" * 24, "twice"))
    sim.add(Destination("b" * 24, "twice"))
    with pytest.raises(KeyError, match=says):
        sim.set(name, "latency", 1)
    sim.set("destination/twice", "latency", 1)

"""Moments: what is shown, each as it arrived in every channel."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

from pictures.inboxes import Arrived, Inboxes
from pictures.story import NIGHT, Story
from watchdog.commands.send_test import send_test
from watchdog.configuration.files import load_files
from watchdog.cycle.policy import Policy
from watchdog.delivery.targets import check_url
from watchdog.notify.reports import ReportSchedule
from watchdog.rules.rule import Rule

HERE = Path(__file__).parent
RULES = HERE.parents[1] / "rules"
_LAG, _IDLE = "StreamingMilliSecondsBehindSource", "StreamingMilliSecondsSinceLastEvent"
_DAY = 24 * 60
_ORDERS = {"source": "prod-orders", "id": "65a1b2c3d4e5f60718293a4b", "connector": "postgresql", "tags": ("prod", "eu"),
           "pipelines": ("orders-to-snowflake",)}  # fmt: skip
_TABLES = ("orders", "customers", "invoices", "payments", "stock")


def moments(inboxes: Inboxes) -> Iterator[tuple[str, Arrived]]:
    """Name and what arrived, one after the other."""
    policy = _policy(inboxes)
    yield from _one_alert(policy, inboxes)
    yield from _several(policy, inboxes)
    yield "storm", _storm(policy, inboxes)
    yield "update", _flapping(policy, inboxes)
    yield "missed", _missed(policy, inboxes)
    yield "fallback", _fallback(policy, inboxes)
    yield "report", _report(policy, inboxes)
    yield "test", _test(inboxes)


def _policy(inboxes: Inboxes) -> Policy:
    """The starter rules with a runbook each, as a team would give them, and the receivers of the pictures."""
    files = [one for one in sorted(RULES.glob("*.yaml")) if one.name != "notify.yaml"]
    policy = load_files([*files, HERE / "notify.yaml"], inboxes.variables(), check_url=check_url)
    return replace(policy, rules=tuple(map(_with_runbook, policy.rules)))


def _with_runbook(rule: Rule) -> Rule:
    return replace(rule, annotations={**rule.annotations, "runbook_url": f"https://wiki.example.com/{rule.name}"})


def _one_alert(policy: Policy, inboxes: Inboxes) -> Iterator[tuple[str, Arrived]]:
    """A source falls behind at night; nobody looks after it for hours; then it catches up."""
    lag = f"4000x20 120000+12000x{_DAY}"
    story = Story(policy, [_ORDERS], {("source/prod-orders", _LAG): lag, ("source/prod-orders", _IDLE): f"900x{_DAY}"})
    yield from _next("firing", story, inboxes, within=60)
    yield from _next("escalation", story, inboxes, within=30)
    yield from _next("reminder", story, inboxes, within=300)
    story.change("source/prod-orders", _LAG, "6000x100")
    yield from _next("resolved", story, inboxes, within=30)


def _several(policy: Policy, inboxes: Inboxes) -> Iterator[tuple[str, Arrived]]:
    """A database host dies: five sources of it lose their tasks one after the other, and one comes back."""
    entities = [{"source": f"prod-{table}", "connector": "postgresql", "tags": ("prod", "eu")} for table in _TABLES]
    parts = [{"task": f"prod-{table}/0"} for table in _TABLES]
    begins = {table: 10 if position < 3 else 14 for position, table in enumerate(_TABLES)}
    readings = {(f"task/prod-{table}/0", "task_status"): f"RUNNING x{begins[table] - 1} FAILED x{_DAY}" for table in _TABLES}
    readings |= {(f"source/prod-{table}", "connector_status"): f"Active x{_DAY}" for table in _TABLES}
    story = Story(policy, [*entities, *parts], readings)
    yield from _next("group", story, inboxes, within=30)
    story.change("task/prod-customers/0", "task_status", f"RUNNING x{_DAY}")
    yield from _next("group-changed", story, inboxes, within=30)


def _storm(policy: Policy, inboxes: Inboxes) -> Arrived:
    """Every task of 5 000 fails in one poll."""
    names = [f"shard-{number:04d}" for number in range(5000)]
    entities = [{"source": name, "connector": "postgresql"} for name in names]
    readings = {(f"task/{name}/0", "task_status"): "RUNNING x4 FAILED x60" for name in names}
    story = Story(policy, [*entities, *({"task": f"{name}/0"} for name in names)], readings)
    story.until(8)
    return inboxes.take()


def _flapping(policy: Policy, inboxes: Inboxes) -> Arrived:
    """A destination whose task dies and comes back, over and over."""
    entities = [{"destination": "snowflake-eu", "connector": "snowflake", "id": "65a1b2c3d4e5f60718293a77"},
                {"task": "snowflake-eu/1"}]  # fmt: skip
    series = " ".join(["RUNNING x3 FAILED x3"] * 12)
    story = Story(policy, entities, {("task/snowflake-eu/1", "task_status"): series})
    while True:
        inboxes.take()
        story.until_told(lambda: inboxes.count() > 0, within=60)
        arrived = inboxes.take()
        if "UPDATE" in arrived.mails[0]["Subject"]:
            return arrived


def _missed(policy: Policy, inboxes: Inboxes) -> Arrived:
    """A source is behind for half an hour, while nothing can be delivered anywhere."""
    lag = f"4000x4 900000x30 5000x{_DAY}"
    inboxes.close_down()
    story = Story(policy, [_ORDERS], {("source/prod-orders", _LAG): lag, ("source/prod-orders", _IDLE): f"900x{_DAY}"})
    story.until(60)
    inboxes.open_up()
    story.until(75)
    return _about("MISSED", inboxes.take())


def _fallback(policy: Policy, inboxes: Inboxes) -> Arrived:
    """A connector breaks, and PagerDuty refuses the page."""
    entities = [{**_ORDERS, "connector": "mysql"}]
    inboxes.refuse_pagerduty()
    story = Story(policy, entities, {("source/prod-orders", "connector_status"): f"Active x5 Broken x{_DAY}"})
    story.until(15)
    arrived = inboxes.take()
    inboxes.open_up()
    return arrived


def _report(policy: Policy, inboxes: Inboxes) -> Arrived:
    """A day with a task that fails again and again for a few minutes, and one that fails twice for longer."""
    entities = [_ORDERS, {"task": "prod-orders/0"}, {"source": "prod-users", "connector": "mysql"}, {"task": "prod-users/0"}]
    often = " ".join(f"RUNNING x{pause} FAILED x3" for pause in (30, 25, 190, 41, 300, 120, 70, 200, 33))
    readings = {
        ("task/prod-orders/0", "task_status"): f"{often} RUNNING x{2 * _DAY}",
        ("task/prod-users/0", "task_status"): f"RUNNING x240 FAILED x40 RUNNING x500 FAILED x90 RUNNING x{2 * _DAY}",
        ("source/prod-orders", "connector_status"): f"Active x{2 * _DAY}",
        ("source/prod-users", "connector_status"): f"Active x{2 * _DAY}",
    }
    schedule = ReportSchedule(("team",), 9 * 60, timezone="Europe/Paris", since=86400.0)
    rules = tuple(rule for rule in policy.rules if rule.name.startswith(("Task", "Connector", "SourceBehind")))
    story = Story(replace(policy, rules=rules, reports=(schedule,)), entities, readings)
    story.until(30 * 60)
    return _about("REPORT", inboxes.take())


def _test(inboxes: Inboxes) -> Arrived:
    """Somebody tries the receiver."""
    os.environ.update(inboxes.variables())
    os.environ["WATCHDOG_NAME"] = "watchdog-1"
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        for file in (HERE / "notify.yaml", RULES / "connectors.yaml"):
            (Path(folder) / file.name).symlink_to(file)
        os.environ["WATCHDOG_RULES"] = folder
        send_test("oncall", as_json=False, now=NIGHT)
    return inboxes.take()


def _next(name: str, story: Story, inboxes: Inboxes, *, within: float) -> Iterator[tuple[str, Arrived]]:
    """What arrives next, at most so many minutes from now."""
    inboxes.take()
    story.until_told(lambda: inboxes.count() > 0, within=within)
    yield name, inboxes.take()


def _about(word: str, arrived: Arrived) -> Arrived:
    """What says this word, of everything that arrived; the watchdog's own troubles are told in between."""
    return Arrived(
        slack=[one for one in arrived.slack if word in str(one)],
        mails=[one for one in arrived.mails if word in one["Subject"]],
        hook=[one for one in arrived.hook if word in str(one)],
    )

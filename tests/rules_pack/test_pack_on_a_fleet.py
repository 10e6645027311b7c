"""The starter pack on a simulated fleet: each trouble is told by the rule that is meant for it, and by no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchdog.configuration.files import load
from watchdog.trials.replay import replay

PACK = load(Path(__file__).parents[2] / "rules", {}, expand=False)
#: Seconds between polls; hours.
EVERY, LENGTH = 120.0, 4.5

#: What happens from 2h30m to 3h45m, beside what else, and which rules fire on whom; then what is told to whom.
STORIES = [
    ("a quiet day tells nobody anything", "", {}, {}),
    (
        "what ails one connector is told of it alone, and once",
        """
  - {at: 2h30m, until: 3h45m, do: lag, entity: source/prod-payments, to: 25m, over: 10m, drain: 5m}
  - {at: 2h30m, until: 3h45m, do: task_failed, entity: source/prod-inventory, task: 0}
  - {at: 2h30m, until: 3h45m, do: stall, entity: source/prod-orders}
  - {at: 2h30m, until: 3h45m, do: idle, entity: source/prod-customers}
  - {at: 2h30m, until: 3h45m, do: paused, entity: source/prod-sessions}
  - {at: 2h30m, until: 3h45m, do: no_readings, entity: source/prod-archive}
  - {at: 2h30m, until: 3h45m, do: destination_lag, entity: destination/warehouse, to: 50000, over: 30m, drain: 5m}
  - {at: 2h30m, until: 3h45m, do: dead_letters, entity: destination/analytics, rate: 0.1}
""",
        {
            "SourceBehind": {"prod-payments"},
            "SourceLagGrowing": {"prod-payments"},
            "TaskFailed": {"prod-inventory/0"},
            "SourceSilentStall": {"prod-orders"},
            "SourceWentQuiet": {"prod-orders", "prod-customers"},
            "NoReadings": {"prod-archive"},
            "ReadingsMissing": {"replay"},  # one source of six
            "DestinationLagHigh": {"warehouse"},
            "DestinationLagGrowing": {"warehouse"},
            "DestinationStalled": {"warehouse"},
            "DeadLetters": {"analytics"},
        },
        # a failed task, a stall on either side; the team hears these and the seven that can wait
        {"oncall": 3, "team": 9},
    ),
    (
        "a broken destination is one trouble, whatever hangs on it",
        "  - {at: 2h30m, until: 3h45m, do: broken, entity: destination/warehouse}\n",
        {
            "ConnectorBroken": {"warehouse"},
            "TaskFailed": {"warehouse/0", "warehouse/1"},
            "DestinationLagHigh": {"warehouse"},
            "DestinationLagGrowing": {"warehouse"},
            "PipelineBroken": {"prod-orders-to-warehouse", "prod-inventory-to-warehouse", "prod-sessions-to-warehouse"},
        },
        {"oncall": 1, "team": 1},
    ),
    (
        "what operators do, and what only looks like trouble",
        """
  - {at: 2h30m, until: 3h45m, do: stopped, entity: source/prod-payments}
  - {at: 2h30m, do: restart, entity: source/prod-orders}
  - {at: 2h30m, until: 3h45m, do: rename, entity: source/prod-customers, to: customers}
  - {at: 2h30m, until: 3h, do: snapshot, entity: source/prod-customers, rows: 100000}
  - {at: 2h30m, until: 3h45m, do: snapshot, entity: source/prod-inventory, rows: 100000, outcome: hanging}
  - {at: 2h30m, until: 3h45m, do: transform_failed, entity: transform/prod-sessions-enrich}
  - {at: 2h30m, do: vanish, entity: source/prod-archive}
""",
        {
            "ConnectorNotAsDesired": {"prod-payments"},
            "SnapshotHangs": {"prod-inventory"},
            "TransformFailed": {"prod-sessions-enrich"},
            "PipelineBroken": {"prod-sessions-to-warehouse"},
            "EntitiesVanished": {"replay"},
        },
        {"oncall": 1, "team": 4},
    ),
    (
        "an outage of the API is told as such, and nothing opens or closes by it",
        """
  - {at: 2h, until: 3h45m, do: task_failed, entity: source/prod-inventory, task: 0}
  - {at: 2h30m, until: 3h, do: api_fault, path: "/*", status: 503}
""",
        {"TaskFailed": {"prod-inventory/0"}, "ApiUnreachable": {"replay"}},
        {"oncall": 2, "team": 2},
    ),
]


@pytest.mark.parametrize(("events", "fires", "told"), [story[1:] for story in STORIES], ids=[why for why, *_ in STORIES])
def test_each_trouble_is_told_by_its_rule_and_by_no_other(polled, events, fires, told):
    scenario = f"sources: 6\nevents:\n{events}" if events else "sources: 6\n"
    report = replay(polled(scenario, EVERY, LENGTH), PACK, EVERY)
    episodes = [(rule.name, one) for rule in report.rules for one in rule.stretches]
    found: dict[str, set[str]] = {}
    for name, one in episodes:
        found.setdefault(name, set()).add(one.entity.partition("/")[2])  # a report says `source/prod-orders`
    assert found == fires
    # each begins once and ends
    assert len(episodes) == sum(len(whom) for whom in fires.values())
    assert [name for name, one in episodes if one.ended is None] == []
    messages = {receiver: (kinds["firing"], kinds["resolved"]) for receiver, kinds in report.messages.items()}
    assert messages == {receiver: (count, count) for receiver, count in told.items()}

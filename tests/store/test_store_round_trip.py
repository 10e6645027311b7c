"""What is written is read again, the same: every value, every field, on both engines."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from enum import Enum
from itertools import count
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchdog.alerts.episodes import Acknowledgement, Episode, Facts, Hold, Note
from watchdog.alerts.lifecycle import AlertKey, AlertState
from watchdog.alerts.silences import Matcher, Silence
from watchdog.cycle.state import Changes, TargetHealth
from watchdog.notify.groups import Group
from watchdog.notify.ledger import Ending, Entry, Role, Standing
from watchdog.notify.message import MessageKind
from watchdog.notify.pending import Item, Part, PendingNotification, ReportSpan
from watchdog.notify.routes import GroupKey
from watchdog.readings import packing
from watchdog.readings.fleet import Kind
from watchdog.rules.rule import Quantity
from watchdog.store.store import Store

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
INSTANTS = st.floats(0, 4e9)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def values(cls: type[Any], **given_: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Any value of a dataclass, every field drawn: one that is added and not stored is found out."""
    hints = get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]
    drawn = {name: given_[name] if name in given_ else _of(hints[name]) for name in names}
    return st.builds(cls, **drawn)


def _of(hint: Any) -> st.SearchStrategy[Any]:
    simple = {
        float: INSTANTS,
        float | None: st.none() | INSTANTS,
        str: TEXTS,
        int: st.integers(0, 2**40),
        bool: st.booleans(),
    }
    if hint in simple:
        return simple[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    return {
        tuple[float, ...]: st.lists(INSTANTS, max_size=3).map(tuple),
        tuple[str, ...]: st.lists(TEXTS, max_size=3).map(tuple),
        AlertKey: ALERTS,
        GroupKey: GROUPS,
    }[hint]


ALERTS = st.builds(AlertKey, TEXTS, st.sampled_from(Kind), TEXTS)
GROUPS = st.builds(GroupKey, TEXTS, st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple))
QUANTITIES = values(Quantity, value=NUMBERS | TEXTS | st.booleans())
LABELS = st.dictionaries(TEXTS, TEXTS | st.lists(TEXTS, max_size=3).map(tuple), max_size=3)
FACTS = values(
    Facts,
    labels=LABELS,
    value=st.none() | QUANTITIES,
    limit=st.none() | QUANTITIES,
    params=st.dictionaries(TEXTS, QUANTITIES, max_size=2),
    readings=st.dictionaries(TEXTS, st.none() | NUMBERS | TEXTS, max_size=3),
    annotations=st.dictionaries(TEXTS, TEXTS, max_size=2),
)
EPISODES = values(
    Episode,
    facts=FACTS,
    acknowledgement=st.none() | values(Acknowledgement),
    escalated=st.frozensets(st.tuples(TEXTS, INSTANTS), max_size=3),
    hold=values(Hold),
)
DUTIES = values(
    PendingNotification,
    id=st.integers(1, 2**40),
    items=st.lists(values(Item), max_size=3).map(tuple),
    report=st.none() | values(ReportSpan),
)


@pytest.fixture(scope="module")
def memory() -> Iterator[Store]:
    store = Store.in_memory()
    yield store
    store.close()


_numbers = count(1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_every_value_comes_back_as_it_went(memory: Store, data: st.DataObject) -> None:
    key, state = data.draw(ALERTS), data.draw(values(AlertState))
    episode = dataclasses.replace(data.draw(EPISODES), id=f"e{next(_numbers)}")
    entry = dataclasses.replace(data.draw(values(Entry)), episode=episode.id)
    notification, group, health = data.draw(DUTIES), data.draw(values(Group)), data.draw(values(TargetHealth))
    note = dataclasses.replace(data.draw(values(Note)), episode=episode.id)
    changes = Changes(
        alerts={key: state}, episodes={episode.id: episode}, entries={(entry.episode, entry.target): entry},
        groups={group.key: group}, notifications={notification.id: notification}, targets={health.target: health}, notes=[note],
        documents={"a": "text"},
    )  # fmt: skip
    memory.commit(changes)
    saved = memory.load()
    assert saved.alerts[key] == state
    assert memory.episode(episode.id) == episode
    assert memory.entries_of(episode.id) == [entry]
    assert saved.notifications[notification.id] == notification
    assert saved.groups[group.key] == group
    assert saved.targets[health.target] == health
    assert memory.notes_of(episode=episode.id) == [note]
    assert saved.documents == {"a": "text"}
    assert saved.next_notification > notification.id


#: Every value once, with all its fields away from their defaults.
ALERT = AlertKey("SourceLagHigh", Kind.SOURCE, "64f0")
FULL_FACTS = Facts(
    {"name": "prod-orders", "tags": ("a", "b"), "tenant": ""}, "prod-orders", "m is 12m4s (> 5m)", Quantity(7.5, "ms"),
    Quantity(5.0, "ms"), "m", {"limit": Quantity(300.0, "s"), "state": Quantity("FAILED"), "on": Quantity(True)},
    {"m": 7.5, "s": "Active", "none": None}, {"summary": "{{ name }} – „späť“ 💥"},
)  # fmt: skip
EPISODE = Episode(
    "6a0c", ALERT, 1.5, 2.5, FULL_FACTS, None, "", "", 3.5, 3.75, True, Acknowledgement(4.5, "eva", "on it"), 5.5, 6.5,
    7.5, frozenset({("lead", 900.0)}), Hold(("s1",), ("m1",), "Other on source/1", True), 8.5, "held back",
)  # fmt: skip
GROUP = GroupKey("oncall", (("alertname", "SourceLagHigh"), ("team", "")))
SILENCE = Silence("u", (Matcher("a", "b.*", True, False), Matcher("c", "d")), 1.0, 2.0, "eva", "why", 0.5)


def _full() -> Changes:
    entry = Entry(
        "6a0c", "t-1", GROUP, Role.FALLBACK, Standing.ACCEPTED, 3.0, Ending.WAITING, "wd-1", "silence", True, 3.75
    )
    begins = (Item("6a0c", Part.BEGIN),)
    notification = PendingNotification(
        7, "t-1", "oncall", GROUP, MessageKind.FIRING, begins, 1.0, 2.0, "why", "wd-1", 3, True, True, "HTTP 503"
    )  # fmt: skip
    return Changes(
        alerts={ALERT: AlertState(since=1.0, changes=(1.0, 2.25), flapping=True, dark_since=9.0)},
        episodes={EPISODE.id: EPISODE},
        entries={("6a0c", "t-1"): entry},
        groups={GROUP: Group(GROUP, 1.0, 30.0, 300.0, 14400.0, 2.0, 3.0, 4.0)},
        notifications={7: notification},
        targets={"t-1": TargetHealth("t-1", "oncall", "slack", 1.0, 2.0, "HTTP 503", 12)},
        notes=[Note(1.0, ALERT, "6a0c", "told", "to oncall", "oncall", "t-1")],
        documents={"cycle": '{"at": 1.0}'},
    )


def test_both_engines_keep_everything(store: Store, url: str, opened: Callable[..., Store]) -> None:
    changes = _full()
    store.commit(changes)
    store.put_silence(SILENCE)
    store.close()
    saved = opened(url).load()
    for field in dataclasses.fields(saved):
        if field.name not in ("next_notification", "silences"):
            assert getattr(saved, field.name) == getattr(changes, field.name), field.name
    assert saved.silences == {"u": SILENCE}
    assert saved.next_notification == 8


def test_none_deletes_and_a_duty_id_never_comes_back(store: Store) -> None:
    store.commit(_full())
    store.commit(Changes(alerts={ALERT: None}, groups={GROUP: None}, notifications={7: None, 99: None}))
    saved = store.load()
    assert (saved.alerts, saved.groups, saved.notifications) == ({}, {}, {})
    assert saved.next_notification == 100
    store.commit(Changes(notifications={3: None}))
    assert store.load().next_notification == 100


def test_a_later_value_replaces_the_earlier(store: Store) -> None:
    changes = _full()
    store.commit(changes)
    over = dataclasses.replace(EPISODE, ended=50.0, why_ended="rule removed", end_reason="m is 3 (> 5m)")
    store.commit(Changes(episodes={over.id: over}, documents={"cycle": "{}"}))
    saved = store.load()
    assert saved.episodes == {over.id: over}, "ended, and its end is on its way"
    assert saved.documents == {"cycle": "{}"}


@pytest.mark.parametrize("nasty", ["nul \0 inside", "half a pair \ud83d"])
def test_text_that_no_database_takes_cannot_stop_the_saving(store: Store, nasty: str) -> None:
    key = AlertKey(nasty, Kind.TOPIC, nasty)
    facts = Facts(
        {"name": nasty}, nasty, nasty, Quantity(math.inf, "ms"), Quantity(nasty), readings={"m": math.nan, "t": nasty}
    )
    group = GroupKey(nasty, ((nasty, nasty),))
    episode = Episode("e", key, 1.0, 1.0, facts)
    changes = Changes(
        alerts={key: AlertState(since=1.0)}, episodes={"e": episode}, groups={group: Group(group, 1.0, 1.0, 1.0, 1.0)},
        notes=[Note(1.0, key, "e", "told", nasty, nasty)], targets={"t": TargetHealth("t", "r", "", last_error=nasty)},
    )  # fmt: skip
    store.commit(changes)
    saved = store.load()
    assert len(saved.alerts) == 1
    assert saved.episodes["e"].facts.value == Quantity("inf", "ms")
    assert saved.episodes["e"].facts.readings["m"] is None
    store.commit(Changes(alerts={key: None}, groups={group: None}))
    assert (store.load().alerts, store.load().groups) == ({}, {})


def test_windows_come_back_and_are_cut(store: Store, url: str, opened: Callable[..., Store]) -> None:
    poll, state_of = (packing.Form.POLL, Kind.SOURCE, "m"), (packing.Form.STATE, Kind.SOURCE, "m")
    old = packing.RowIds.of(Kind.SOURCE, ["a", "b"])
    new = packing.RowIds.of(Kind.SOURCE, ["a", "b", "c"])
    row = [packing.Saved(Kind.SOURCE, "m", float(at), old.id, b"%d" % at) for at in range(3)]
    other = packing.Saved(Kind.SOURCE, "n", 1.0, old.id, b"n")
    state = packing.Saved(Kind.SOURCE, "m", 1.0, old.id, b"state 1", packing.Form.STATE)
    store.commit(Changes(), [*row, other, state], [old])
    later = packing.Saved(Kind.SOURCE, "m", 5.0, new.id, b"5")
    state_later = packing.Saved(Kind.SOURCE, "m", 5.0, new.id, b"state 5", packing.Form.STATE)
    store.commit(Changes(), [later, state_later], [old, new])

    rosters, pieces = opened(url).load_windows()
    assert {roster.id: list(roster.ids) for roster in rosters} == {old.id: ["a", "b"], new.id: ["a", "b", "c"]}
    assert pieces == [*row[:1], *sorted([*row[1:2], other], key=lambda p: p.metric), row[2], later, state_later]

    store.prune_windows({poll: 2.0, state_of: -math.inf})
    assert store.load_windows()[1] == [row[2], later, state_later]
    store.prune_windows({poll: 3.0, state_of: -math.inf})
    rosters, pieces = store.load_windows()
    assert ([roster.id for roster in rosters], pieces) == ([new.id], [later, state_later])
    store.prune_windows({})
    assert store.load_windows() == ([], [])
    store.commit(Changes(), [later], [new])
    assert [roster.id for roster in store.load_windows()[0]] == [new.id], "a roster that was cut is written again"


def test_configurations_keep_the_last_accepted(store: Store) -> None:
    assert store.last_configuration() is None
    store.save_configuration("f1", {"a.yaml": "rules: []"}, 1.0)
    store.save_configuration("f2", {"a.yaml": "${SLACK_URL}", "b/c.yaml": "ž"}, 2.0)
    assert store.last_configuration() == {"a.yaml": "${SLACK_URL}", "b/c.yaml": "ž"}
    store.save_configuration("f1", {"a.yaml": "rules: []"}, 3.0)
    assert store.last_configuration() == {"a.yaml": "rules: []"}
    store.save_configuration("f3", {"c.yaml": "rules: [c]"}, 0.5)  # the clock was set back
    assert store.last_configuration() == {"c.yaml": "rules: [c]"}

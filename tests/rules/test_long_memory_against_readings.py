"""Functions that look back for days answer what a plain reading of the whole past answers, restarts included."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from itertools import pairwise

import hypothesis.strategies as st
import numpy as np
from hypothesis import Phase, given, settings

from watchdog.readings.fleet import Entity, EntityKey, Fleet, Kind
from watchdog.readings.history import History
from watchdog.readings.packing import RowIds, Saved
from watchdog.readings.snapshot import SparseReadings
from watchdog.rules.evaluator import Evaluator
from watchdog.rules.expressions import Expression
from watchdog.rules.expressions.plan import Compare
from watchdog.rules.plan_evaluator import PlanEvaluator
from watchdog.rules.rule import Rule

DAY = 86_400.0
MINUTE = 60.0
IDS = ("a", "b", "c")
KEYS = [EntityKey(Kind.SOURCE, one) for one in IDS]
FLEET = Fleet.of([Entity(key, {"name": key.id}) for key in KEYS], 0.0, 1)
#: Other rows in another order, without b: what another listing finds.
OTHER = Fleet.of([Entity(key, {"name": key.id}) for key in (KEYS[2], EntityKey(Kind.SOURCE, "d"), KEYS[0])], 0.0, 2)
CALLS = [
    ("increase", 30 * MINUTE, DAY), ("increase", 2 * 3600.0, 3 * DAY), ("rate", 30 * MINUTE, DAY),
    ("delta", 45 * MINUTE, DAY), ("increase", 30 * MINUTE, 3600.0), ("delta", 10 * MINUTE, 2 * 3600.0),
    ("increase", DAY, 600.0), ("delta", 15 * MINUTE, 0.0), ("ago", 2 * DAY, 0.0), ("ago", DAY + 60, 0.0),
    ("ago", 3600.0, 0.0), ("slope", 1 * 3600.0, 0.0), ("slope", 30 * MINUTE, 0.0), ("pause", 1, 0.0), ("pause", 2, 0.0),
    ("until", 50.0, 3600.0),
]  # fmt: skip


def text(call: tuple[str, float, float]) -> str:
    name, first, second = call
    if name == "pause":
        return f"longest_pause(m, {first:.0f}d)"
    if name == "until":
        return f"time_until(m, {first:.0f}, {second:.0f}s)"
    return f"{name}(m, {first:.0f}s{f', {second:.0f}s' if second else ''})"


@dataclass
class Plain:
    """Everything one entity ever read, and every poll that was answered for it."""

    every: float
    readings: list[tuple[float, float]] = field(default_factory=list)
    polls: list[float] = field(default_factory=list)
    polled: dict[tuple[float, float], float] = field(default_factory=dict)  #: the poll that brought a reading

    def window(self, now: float, w: float, o: float) -> tuple[tuple[float, float] | None, list[tuple[float, float]]]:
        readings, older = self.readings, 3 * self.every
        if o + w > DAY:
            kept: dict[float, tuple[float, float]] = {}
            for at, value in readings:
                kept[at // 600] = (at, value)
            readings, older = list(kept.values()), max(1200.0, 3 * self.every)
        before = [one for one in readings if one[0] <= now - o - w]
        base = before[-1] if before and before[-1][0] >= now - o - w - older else None
        return base, [one for one in readings if now - o - w < one[0] <= now - o]

    def answer(self, call: tuple[str, float, float], now: float) -> float:
        name, first, second = call
        if name == "pause":
            return self.pause(int(first), now)
        if name == "until":
            return self.until(first, second, now)
        base, inside = self.window(now, first, second)
        if base is None:
            return math.nan
        if name == "ago":
            return base[1]
        if not inside:
            return math.nan
        if name == "delta":
            return inside[-1][1] - base[1]
        if name == "slope":
            return self.slope(inside, first)
        grown, before = 0.0, base[1]
        for _, value in inside:
            grown += value if value < before else value - before
            before = value
        return grown if name == "increase" else grown / (inside[-1][0] - base[0])

    @staticmethod
    def slope(inside: list[tuple[float, float]], w: float) -> float:
        if len(inside) < 3 or inside[-1][0] - inside[0][0] < w / 2:
            return math.nan
        times, values = zip(*inside, strict=True)
        t, v = sum(times) / len(times), sum(values) / len(values)
        over = sum((one - t) * (value - v) for one, value in inside)
        return over / sum((one - t) ** 2 for one in times)

    def until(self, target: float, w: float, now: float) -> float:
        slope = self.answer(("slope", w, 0.0), now)
        if math.isnan(slope) or not self.readings or self.readings[-1][0] < self.current:
            return math.nan
        left = target - self.readings[-1][1]
        if left == 0:
            return 0.0
        return math.inf if slope == 0 or left / slope < 0 else left / slope

    current: float = 0.0  #: when the reading of this poll was; infinite without one

    def pause(self, days: int, now: float) -> float:
        if not self.readings or now - self.readings[0][0] < DAY:
            return math.nan
        longest, first = math.nan, self.readings[0]
        for reading in self.readings:
            if reading[1] == first[1]:
                continue
            begin, end = self.polled[first], self.polled[reading]
            seen = [poll for poll in self.polls if begin <= poll <= end]
            apart = max((b - a for a, b in pairwise(seen)), default=0.0)
            if apart <= 3 * self.every and now // DAY - days <= reading[0] // DAY <= now // DAY:
                longest = max(longest, reading[0] - first[0]) if longest == longest else reading[0] - first[0]
            first = reading
        return longest


class Subject:
    """The product's own history, which a restart can end at any poll."""

    def __init__(self, every: float) -> None:
        rules = [Rule(f"r{n}", Kind.SOURCE, Expression.parse(f"{text(call)} == 1", each=Kind.SOURCE, params={}))
                 for n, call in enumerate(CALLS)]  # fmt: skip
        self.every, self.rules = every, rules
        self.evaluator = Evaluator(rules, every)
        self.saved: dict[object, Saved] = {}
        self.rosters: dict[str, RowIds] = {}
        self.history = self._history()

    def _history(self) -> History:
        history = History(self.every)
        history.want(self.evaluator.wanted)
        return history

    def restart(self, now: float) -> None:
        keep = self.history.keep_from(now)
        kept = [one for one in self.saved.values() if one.at >= keep.get((one.form, one.kind, one.metric), math.inf)]
        self.history = self._history()
        self.history.restore(self.rosters.values(), kept)

    def answers(
        self, readings: dict[str, tuple[float, float]], dark: set[str], now: float, fleet: Fleet, *, asked: bool
    ) -> np.ndarray:
        """Records one poll; what every call answers after it, nothing where nobody asks."""
        sparse = SparseReadings()
        for key in KEYS:
            if key.id in readings:
                at, value = readings[key.id]
                sparse.put(key, "m", value, at)
        rows = np.array([one in dark for one in fleet.table(Kind.SOURCE).ids])
        snapshot = sparse.snapshot(now, fleet, {Kind.SOURCE: rows})
        self.history.record(snapshot)
        for roster in self.history.rosters():
            self.rosters[roster.id] = roster
        for piece in self.history.saved():
            number = piece.at if piece.form.value == "poll" else piece.number
            self.saved[piece.kind, piece.metric, piece.form, number] = piece
        if not asked:
            return np.zeros((0, 0))
        with np.errstate(all="ignore"):
            evaluator = PlanEvaluator(snapshot, self.history, self.every)
            plans = [rule.expr.plan for rule in self.rules]
            return np.stack([np.asarray(evaluator.numbers(p.left)) for p in plans if isinstance(p, Compare)])


@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.integers(0, 2**32), st.sampled_from([300.0, 600.0, 900.0]), st.booleans())
def test_the_past_is_what_it_was(seed: int, every: float, late: bool) -> None:
    dice = random.Random(seed)
    subject, plain = Subject(every), {one: Plain(every) for one in IDS}
    start = 20_000 * DAY + dice.randrange(288) * 300.0
    value = dict.fromkeys(IDS, 0.0)
    fleet = FLEET
    outage = dict.fromkeys(IDS, 0)
    for index in range(int(3.6 * DAY / every)):
        now = start + index * every
        if dice.random() < 0.01:
            fleet = OTHER if fleet is FLEET else FLEET
            if fleet is OTHER:
                plain["b"] = Plain(every)
        readings: dict[str, tuple[float, float]] = {}
        dark: set[str] = set()
        for one in IDS:
            if one == "b" and fleet is OTHER:
                continue
            plain[one].current = math.inf
            outage[one] = outage[one] - 1 if outage[one] > 0 else dice.choice([0] * 300 + [2, 3, 5])
            if outage[one]:
                dark.add(one)
                continue
            plain[one].polls.append(now)
            if dice.random() < 0.3:
                value[one] = dice.choice([0.0, value[one] + dice.randrange(100), value[one] + 0.25])
            if dice.random() < 0.1:
                continue
            at = now - dice.choice([0.0, 10.0, 100.0]) if late else now
            if plain[one].readings and at <= plain[one].readings[-1][0]:
                continue
            readings[one] = (at, value[one])
            plain[one].readings.append(readings[one])
            plain[one].polled[readings[one]] = now
            plain[one].current = at
        asked = dice.random() < 0.02 or index > 3.55 * DAY / every
        found = subject.answers(readings, dark, now, fleet, asked=asked)
        if asked:
            for row, id_ in enumerate(fleet.table(Kind.SOURCE).ids):
                for call, answer in zip(CALLS, found[:, row], strict=True):
                    wanted = plain[id_].answer(call, now) if id_ in plain else math.nan
                    assert (math.isnan(answer) and math.isnan(wanted)) or math.isclose(
                        answer, wanted, rel_tol=1e-6, abs_tol=1e-9
                    ), (text(call), id_, now - start, answer, wanted)
        if dice.random() < 0.01:
            subject.restart(now)

"""What people did while polls were recorded, silences and acknowledgements, in a form that a recording carries.

Who said it and why stay behind: a replay needs neither, and a recording travels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from watchdog.alerts.episodes import Acknowledgement
from watchdog.alerts.lifecycle import AlertKey
from watchdog.alerts.silences import Matcher, Silence
from watchdog.readings.fleet import Kind


@dataclass(frozen=True, slots=True)
class Answer:
    """One episode was acknowledged at `at`, until it ended at `until` (None: it fires still) or until this was taken
    back at `withdrawn`."""

    alert: AlertKey
    at: float
    via: str = ""
    until: float | None = None
    withdrawn: float | None = None

    @property
    def given(self) -> Acknowledgement:
        return Acknowledgement(self.at, "", via=self.via)

    def counts(self, now: float) -> bool:
        return self.at <= now and all(end is None or now < end for end in (self.until, self.withdrawn))


@dataclass(frozen=True, slots=True)
class Answers:
    """`bound`: the alerts whose episodes silences end with, by id of the episode."""

    silences: tuple[Silence, ...] = ()
    acknowledged: tuple[Answer, ...] = ()
    bound: tuple[tuple[str, AlertKey], ...] = ()

    @classmethod
    def of(
        cls, silences: Iterable[Silence], acknowledged: Iterable[Answer], bound: Iterable[tuple[str, AlertKey]]
    ) -> Answers:
        """Without names and comments, in the order of time."""
        kept = (replace(one, author="", comment="") for one in silences)
        return cls(tuple(sorted(kept, key=lambda one: (one.starts, one.id))),
                   tuple(sorted(acknowledged, key=lambda one: (one.at, str(one.alert)))), tuple(bound))  # fmt: skip

    def encode(self) -> bytes:
        return msgspec.json.encode(
            _Stored(
                [
                    _StoredSilence(one.id, [(m.name, m.value, m.regex, m.equal) for m in one.matchers], one.starts,
                                   one.ends, one.changed, one.episode)
                    for one in self.silences
                ],
                [_StoredAnswer(*_alert(one.alert), one.at, one.via, one.until, one.withdrawn)
                 for one in self.acknowledged],
                [(episode, *_alert(alert)) for episode, alert in self.bound],
            )
        )  # fmt: skip

    @classmethod
    def decode(cls, data: bytes) -> Answers:
        """Raises ValueError for bytes that are none."""
        try:
            stored = msgspec.json.decode(data, type=_Stored)
        except msgspec.MsgspecError as cause:
            raise ValueError(f"does not say what people did: {cause}") from cause
        return cls(
            tuple(
                Silence(one.id, tuple(Matcher(*parts) for parts in one.matchers), one.starts, one.ends, "", "",
                        one.changed, one.episode)
                for one in stored.silences
            ),
            tuple(
                Answer(AlertKey(one.rule, Kind(one.kind), one.entity), one.at, one.via, one.until, one.withdrawn)
                for one in stored.acknowledged
            ),
            tuple((episode, AlertKey(rule, Kind(kind), entity)) for episode, rule, kind, entity in stored.bound),
        )  # fmt: skip


class _StoredSilence(msgspec.Struct, omit_defaults=True):
    id: str
    matchers: list[tuple[str, str, bool, bool]]
    starts: float
    ends: float
    changed: float
    episode: str = ""


class _StoredAnswer(msgspec.Struct, omit_defaults=True):
    rule: str
    kind: str
    entity: str
    at: float
    via: str = ""
    until: float | None = None
    withdrawn: float | None = None


class _Stored(msgspec.Struct):
    """What a later version adds is left out by an earlier one."""

    silences: list[_StoredSilence]
    acknowledged: list[_StoredAnswer]
    bound: list[tuple[str, str, str, str]]


def _alert(alert: AlertKey) -> tuple[str, str, str]:
    return alert.rule, str(alert.kind), alert.entity

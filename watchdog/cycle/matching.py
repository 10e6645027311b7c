"""Which rules never say anything: for an hour of good polls they matched no entity, or were always unknown."""

from __future__ import annotations

from collections.abc import Container, Iterable

from watchdog.rules.verdicts import UNKNOWN, Verdicts

#: Seconds after which a silent rule is said to never match.
NEVER_AFTER = 3600.0


class Matching:
    """When each enabled rule last knew an answer for any entity, or was first judged."""

    def __init__(self) -> None:
        self._known_at: dict[str, float] = {}

    def observe(self, judged: Iterable[Verdicts], now: float, *, good: bool) -> None:
        """After a poll; one with failed requests (`good` False) is not held against any rule."""
        for verdicts in judged:
            name = verdicts.rule.name
            if not any(terms.enabled for terms in verdicts.rule.variants):
                self._known_at.pop(name, None)
            elif not good or (verdicts.observed & (verdicts.truth != UNKNOWN)).any():
                self._known_at[name] = now
            else:
                self._known_at.setdefault(name, now)

    def keep(self, names: Container[str]) -> None:
        """Forget rules that are no longer configured."""
        self._known_at = {name: at for name, at in self._known_at.items() if name in names}

    def never(self, now: float) -> list[str]:
        return sorted(name for name, at in self._known_at.items() if now - at >= NEVER_AFTER)

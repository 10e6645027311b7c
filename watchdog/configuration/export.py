"""WATCHDOG_EXPORT: whose readings `/metrics/readings` shows, as a `where` in JSON or YAML."""

from __future__ import annotations

from watchdog.configuration.places import read
from watchdog.configuration.where import Labels, read_where
from watchdog.errors import Mistake, SettingsError
from watchdog.readings.fleet import LABELS
from watchdog.rules.selector import Selector

_NAMES = frozenset().union(*LABELS.values())


def export_selector(text: str) -> Selector | None:
    """None for an empty setting. Raises SettingsError with every mistake in it."""
    if not text.strip():
        return None
    mistakes: list[Mistake] = []
    node = read("WATCHDOG_EXPORT", text, mistakes)
    found = Selector() if node is None else read_where(node, Labels(_NAMES), mistakes)
    if mistakes:
        lines = (
            f"WATCHDOG_EXPORT: {one.what}; write labels and patterns, e.g. {{kind: source, tags: prod}}"
            for one in mistakes
        )
        raise SettingsError("\n".join(lines))
    return found

"""A policy: everything the rule files say, checked. What is judged, and who is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from watchdog.alerts.mutes import Mute
from watchdog.errors import Mistake
from watchdog.notify.reports import ReportSchedule
from watchdog.notify.routes import Receiver, Route, Routing
from watchdog.rules.rule import Rule


@dataclass(frozen=True)
class Policy:
    """One accepted configuration.

    `urls`: a target's id to its URL with variables expanded (secret, never shown). `sources`: file name to text as
    written, which is what is saved; `fingerprint` is of those. `warnings` are worth a look but stop nothing.
    """

    rules: tuple[Rule, ...] = ()
    receivers: Mapping[str, Receiver] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    mutes: tuple[Mute, ...] = ()
    reports: tuple[ReportSchedule, ...] = ()
    urls: Mapping[str, str] = field(default_factory=dict, repr=False)
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)
    fingerprint: str = ""
    warnings: tuple[Mistake, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Rule]:
        return {rule.name: rule for rule in self.rules}

    @cached_property
    def routing(self) -> Routing:
        """Who can be told; PagerDuty's targets are told apart by their URL's scheme."""
        pagerduty = frozenset(target for target, url in self.urls.items() if url.startswith("pagerduty:"))
        return Routing(self.receivers, self.routes, pagerduty)

"""How the targets are: what their last answers were, and which of them fail."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping
from dataclasses import replace

from watchdog.cycle.state import TargetHealth
from watchdog.errors import DeliveryError
from watchdog.notify.pending import PendingNotification


class Targets:
    """The health of every target that was ever written to, by id. `last_accepted`: when any of them took anything,
    0 for never."""

    def __init__(self, saved: Mapping[str, TargetHealth]) -> None:
        self._known = dict(saved)
        self._changed: set[str] = set()
        self.last_accepted = max((one.last_accepted or 0.0 for one in saved.values()), default=0.0)

    def accepted(self, notification: PendingNotification, now: float) -> None:
        health = self._of(notification.target, notification.receiver)
        self.last_accepted = now
        self._put(replace(health, last_accepted=now, failing_since=None, last_error="", delivered=health.delivered + 1))

    def failed(self, notification: PendingNotification, error: DeliveryError, now: float) -> None:
        health = self._of(notification.target, notification.receiver)
        reason = str(error).removeprefix(f"{health.label}: ")  # it stands beside the label wherever it is shown
        self._put(replace(health, failing_since=health.failing_since or now, last_error=reason))

    def name(self, target: str, receiver: str, label: str) -> None:
        """What a target is called on pages: fit for logs, no secret in it."""
        health = self._of(target, receiver)
        if health.label != label:
            self._put(replace(health, label=label))

    def settle(self, configured: Container[str], waiting: Container[str]) -> None:
        """One that left the configuration and that nothing waits for fails no longer: it is not tried again."""
        for health in list(self._known.values()):
            if health.failing_since is not None and health.target not in configured and health.target not in waiting:
                self._put(replace(health, failing_since=None, last_error=""))

    def failing(self, configured: Container[str]) -> int:
        """How many of the configured ones fail."""
        return sum(one.failing_since is not None and one.target in configured for one in self._known.values())

    def take_changed(self) -> dict[str, TargetHealth]:
        taken, self._changed = {target: self._known[target] for target in self._changed}, set()
        return taken

    def give_back(self, targets: Collection[str]) -> None:
        """These could not be saved."""
        self._changed.update(targets)

    def _of(self, target: str, receiver: str) -> TargetHealth:
        return self._known.get(target) or TargetHealth(target, receiver, "")

    def _put(self, health: TargetHealth) -> None:
        self._known[health.target] = health
        self._changed.add(health.target)

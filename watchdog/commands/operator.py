"""What commands that speak for a person share: who it is, the store beside a running service, naming an alert."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable
from datetime import UTC, datetime

from watchdog.alerts.episodes import Episode
from watchdog.app.certificates import trust
from watchdog.errors import ConfigError
from watchdog.notify.rendering import Links
from watchdog.settings import Settings
from watchdog.spelling import did_you_mean
from watchdog.store.store import Store


def author_or_login(author: str | None) -> str:
    """The name given, else the login name."""
    if author:
        return author
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"


def read_instant(text: str, option: str) -> float:
    """Seconds of the epoch; UTC where no offset is written. Raises ConfigError that names the option."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{option}: '{text}' is not a time; write ISO 8601, e.g. 2026-01-31T18:00Z") from None
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()


def open_store(settings: Settings) -> Store:
    """The database as it is; a missing one is not made. Raises StoreError."""
    trust(settings.watchdog_ca_file)
    return Store.open(settings.watchdog_database_url.get_secret_value(), name=settings.watchdog_name, create=False)


def links_of(settings: Settings) -> Links:
    """Where an episode's pages are."""
    return Links(settings.watchdog_public_url, settings.watchdog_entity_url)


def called(episode: Episode) -> set[str]:
    """Everything an episode's entity may be called."""
    alert, facts = episode.alert, episode.facts
    kinds = {str(alert.kind), str(facts.labels.get("kind", alert.kind))}
    if kinds & {"source", "destination"}:
        kinds.add("connector")
    names = {facts.entity, alert.entity}
    return names | {f"{kind}/{name}" for kind in kinds for name in names}


def episodes_named(episodes: Iterable[Episode], alert: str, entity: str) -> list[Episode]:
    """The episodes of one alert, newest first. Raises ConfigError for an unknown or ambiguous name, with candidates."""
    of_rule = [one for one in episodes if one.alert.rule == alert]
    found = [one for one in of_rule if entity in called(one)]
    alerts = {one.alert for one in found}
    if len(alerts) > 1:
        candidates = ", ".join(sorted(f"{one.kind}/{one.entity}" for one in alerts))
        raise ConfigError(f"'{entity}' may be any of these: {candidates}; write the kind in front, or the id")
    if not found:
        if of_rule:
            known = sorted({one.facts.entity for one in of_rule})
            hint = did_you_mean(entity, known) or f"; it has fired on {', '.join(known[:10])}"
            raise ConfigError(f"{alert} has not fired on '{entity}'{hint}")
        hint = did_you_mean(alert, {one.alert.rule for one in episodes})
        raise ConfigError(f"no alert of a rule '{alert}' has fired{hint}")
    return sorted(found, key=lambda one: one.began, reverse=True)

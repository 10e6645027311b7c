"""What Alertmanager's API may be asked: matchers and switches in the query."""

from __future__ import annotations

from watchdog.alerts.silences import Matcher, parse_matcher
from watchdog.web.resource import Asked, WrongError

_SWITCH = {"true": True, "1": True, "false": False, "0": False}


def filters(asked: Asked, name: str = "filter") -> list[Matcher]:
    """Every matcher given under this name. Raises WrongError for one that is none."""
    try:
        return [parse_matcher(text) for text in asked.request.query_params.getlist(name)]
    except ValueError as cause:
        raise WrongError(400, f"{name}: {cause}") from cause


def pattern(asked: Asked, name: str) -> Matcher | None:
    """A regular expression over whole names; None where it is not given."""
    text = asked.request.query_params.get(name)
    try:
        return None if text is None else Matcher(name, text, regex=True)
    except ValueError as cause:
        raise WrongError(400, f"{name}: {cause}") from cause


def flag(asked: Asked, name: str) -> bool:
    """A switch that is on unless it is switched off."""
    text = asked.request.query_params.get(name, "true").lower()
    if text not in _SWITCH:
        raise WrongError(400, f"{name}: {text[:100]!r} is neither true nor false")
    return _SWITCH[text]

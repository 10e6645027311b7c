"""Badges: the state of a pipeline as a small SVG, for a wiki or a README; in words and a sign, not by colour alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from unicodedata import east_asian_width
from xml.sax.saxutils import escape, quoteattr

from starlette.responses import Response
from starlette.routing import Route

from watchdog.alerts.episodes import Episode
from watchdog.readings.fleet import Kind
from watchdog.web.access import Access
from watchdog.web.connector_states import States
from watchdog.web.resource import Asked, Resource, WrongError
from watchdog.web.status_page import Boards
from watchdog.web.topology import Row, tone_of
from watchdog.web.view import ServiceView

_FIRING = 10_000
_LONGEST = 60
#: Dark enough for white letters.
_GREEN, _RED, _ORANGE, _BLUE, _GREY = "#1a7f37", "#b42318", "#9a4b00", "#0b5cad", "#57606a"
_SEVERITIES = {"critical": _RED, "warning": _ORANGE, "info": _BLUE}
_TONES = {
    "trouble": ("✕", "in a bad state", _RED),
    "paused": ("‖", "paused", _GREY),
    "unknown": ("?", "unknown", _GREY),
    "fine": ("✓", "ok", _GREEN),
}


@dataclass(frozen=True, slots=True)
class Badge:
    """What one says: whose state, a sign, the state in words, a colour."""

    name: str
    sign: str
    words: str
    colour: str


def routes(watched: ServiceView, access: Access, clock: Callable[[], float] = time.time) -> list[Route]:
    """`/badges/<pipeline>.svg`, by name or id; read like a page. Where there is no such one, the picture says so."""
    boards = Boards(watched)

    def badge(asked: Asked) -> Response:
        wanted = asked.request.path_params["pipeline"]
        topology, evaluation = boards.topology(), watched.evaluation
        if topology is None or evaluation is None or not watched.healthy():
            return _picture(Badge(wanted, "?", "out of date", _GREY), 503)
        rows = [one for one in topology.rows if one.key.kind is Kind.PIPELINE]
        found = [one for one in rows if one.key.id == wanted] or [one for one in rows if one.name == wanted]
        if len(found) != 1:
            words = "several pipelines of this name" if found else "no such pipeline"
            return _picture(Badge(wanted, "?", words, _GREY), 404)
        firing = topology.troubled(watched.store.episodes(firing=True, limit=_FIRING)).get(found[0].key, [])
        return _picture(badge_of(found[0], States(evaluation.snapshot), firing), 200)

    return [Resource(access, {"GET": badge}, _said).route("/badges/{pipeline:path}.svg")]


def badge_of(row: Row, states: States, firing: list[Episode]) -> Badge:
    """The badge of a pipeline; `firing` are the episodes in it."""
    if firing:
        severities = {str(one.facts.labels.get("severity")) for one in firing}
        colour = next((colour for severity, colour in _SEVERITIES.items() if severity in severities), _ORANGE)
        return Badge(row.name, "!", f"{len(firing)} alert{'s' if len(firing) > 1 else ''} firing", colour)
    return Badge(row.name, *_TONES[tone_of(row, states, {})])


def draw(badge: Badge) -> str:
    """The SVG; whatever a name holds stays text."""
    name = _clean(badge.name)
    if len(name) > _LONGEST:
        name = name[: _LONGEST - 1] + "…"
    right = f"{badge.sign} {badge.words}"
    left_width, right_width = _width(name), _width(right)
    whole = left_width + right_width + 40
    said = f"{name}: {badge.words}"
    middle = left_width + 20
    letters = 'font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" fill="#fff" text-anchor="middle"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" viewBox="0 0 {whole} 20" role="img" '
        f"aria-label={quoteattr(said)}><title>{escape(said)}</title>"
        f'<rect width="{whole}" height="20" rx="3" fill="#3d444d"/>'
        f'<path d="M{middle} 0h{whole - middle - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{whole - middle - 3}z" '
        f'fill="{badge.colour}"/>'
        f'<g {letters}><text x="{middle / 2:g}" y="14" textLength="{left_width}" lengthAdjust="spacingAndGlyphs">'
        f"{escape(name)}</text>"
        f'<text x="{(middle + whole) / 2:g}" y="14" textLength="{right_width}" lengthAdjust="spacingAndGlyphs">'
        f"{escape(right)}</text></g></svg>\n"
    )


def _picture(badge: Badge, status: int) -> Response:
    # shown by pages of other sites where reading is open; those see a picture, not what it says
    headers = {"Cache-Control": "no-cache", "Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(draw(badge), status, headers, "image/svg+xml")


def _said(cause: WrongError) -> Response:
    return Response(cause.why + "\n", cause.status, media_type="text/plain")


def _clean(text: str) -> str:
    """Without what XML cannot hold and what turns letters around."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text) or "?"


def _width(text: str) -> int:
    """About how wide a text is drawn, in pixels; the picture makes it fit."""
    return round(sum(12.0 if east_asian_width(char) in "WF" else 6.8 for char in text))

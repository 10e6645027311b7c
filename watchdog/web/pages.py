"""Pages for people: what fires, and one episode. Rendered here, without scripts; they work in any browser."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from watchdog.notify.ledger import Entry
from watchdog.units import format_duration
from watchdog.web.access import Access
from watchdog.web.probes import refusal
from watchdog.web.seen import Watched
from watchdog.web.views import (
    EntityRow,
    EpisodeView,
    TargetView,
    entity_rows,
    episode_view,
    instant,
    story,
    target_view,
    worst_first,
)

_RECENT = 20
_MOST = 1000
#: Nothing from elsewhere, no script at all.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class SilenceView:
    matchers: str
    ends: str
    author: str
    comment: str


@dataclass(frozen=True, slots=True)
class Page:
    """The head of every page, and what the status page lists."""

    polled: bool
    polled_ago: str
    entities: int
    failures: tuple[str, ...]
    stale: str
    firing: list[EpisodeView]
    rows: list[EntityRow]
    more_rows: int
    recent: list[EpisodeView]
    silences: list[SilenceView]
    targets: list[TargetView]


def routes(watched: Watched, access: Access, name: str, clock: Callable[[], float] = time.time) -> list[Route | Mount]:
    """Reading needs what WATCHDOG_WEB_READ says; the style sheet is open."""
    templates = Environment(loader=PackageLoader("watchdog.web"), autoescape=select_autoescape(default=True))

    def page(template: str, **more: object) -> Response:
        text = templates.get_template(template).render(page=_page(watched, clock()), name=name, **more)
        return HTMLResponse(text, headers=_HEADERS)

    def status(request: Request) -> Response:
        if refused := access.may_read(request.headers, request.cookies):
            return refusal(refused)
        return page("status.html")

    def alert(request: Request) -> Response:
        if refused := access.may_read(request.headers, request.cookies):
            return refusal(refused)
        store = watched.store
        episode = store.episode(request.path_params["id"])
        if episode is None:
            return PlainTextResponse("there is no episode with this id; it may be older than the history kept\n", 404)
        view = episode_view(episode, store.entries_of(episode.id), clock())
        return page("episode.html", one=view, story=story(store.notes_of(episode=episode.id)))

    static = StaticFiles(directory=Path(str(files("watchdog.web").joinpath("static"))))
    return [Route("/", status), Route("/alerts/{id}", alert), Mount("/static", static)]


def _page(watched: Watched, now: float) -> Page:
    """From the last poll and the store; the loop is not waited for."""
    store, judged = watched.store, watched.judged
    firing = store.episodes(firing=True, limit=_MOST)
    recent = store.episodes(firing=False, limit=_RECENT)
    entries: dict[str, list[Entry]] = {}
    for entry in store.entries_of(*(one.id for one in firing)):
        entries.setdefault(entry.episode, []).append(entry)
    rows, more = entity_rows(judged, firing)
    age = None if judged is None else max(0.0, now - judged.at)
    return Page(
        polled=judged is not None,
        polled_ago="" if age is None else format_duration(age),
        entities=0 if judged is None else len(judged.snapshot.fleet),
        failures=() if judged is None else judged.failures,
        stale="" if watched.healthy() else format_duration(age or 0.0),
        firing=sorted((episode_view(one, entries.get(one.id, []), now) for one in firing), key=worst_first),
        rows=rows,
        more_rows=more,
        recent=[episode_view(one, [], now) for one in recent],
        silences=[
            SilenceView(" ".join(map(str, one.matchers)), instant(one.ends), one.author, one.comment)
            for one in store.silences()
            if one.ends > now
        ],
        targets=[target_view(one) for one in store.targets()],
    )

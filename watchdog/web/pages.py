"""Pages for people: what fires, one episode, the rules, the silences. Rendered here; readable without scripts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Container, Hashable
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from watchdog.alerts.silences import Matcher, parse_matcher
from watchdog.notify.chart import draw
from watchdog.web.access import Access, Refusal
from watchdog.web.board import Boards
from watchdog.web.preview import preview
from watchdog.web.probes import refusal
from watchdog.web.rendering import HEADERS, Rendered, Templates
from watchdog.web.rulebook import rule_views
from watchdog.web.seen import Watched
from watchdog.web.topology import TONES, Filter, States
from watchdog.web.views import RowViews, episode_view, neighbours, story, told_views

Clock = Callable[[], float]
_FIRING = 10_000
_KINDS = ("pipeline", "source", "destination", "transform")
#: A page is rendered anew at least so often, also where nothing changed: its "ago" is for who has no script.
_FRESH = 10.0


class Pages:
    """Answers for browsers. A page is made once for each state of the watchdog, whoever asks."""

    def __init__(self, watched: Watched, access: Access, templates: Templates, clock: Clock = time.time) -> None:
        self._watched, self._access, self._templates, self._clock = watched, access, templates, clock
        self._boards = Boards(watched)
        self._rendered = Rendered()

    def routes(self) -> list[Route | Mount]:
        """Reading needs what WATCHDOG_WEB_READ says; style sheet and scripts are open."""
        static = StaticFiles(directory=Path(str(files("watchdog.web").joinpath("static"))))
        return [
            Route("/", self._status),
            Route("/alerts/{id}", self._alert),
            Route("/alerts/{id}/chart.json", self._chart),
            Route("/rules", self._rules),
            Route("/silences", self._silences, methods=["GET"]),
            Mount("/static", static),
        ]

    # -- one page each

    def _status(self, request: Request) -> Response:
        asked = request.query_params
        what = Filter(asked.get("q", "").strip()[:200], _among(asked.get("state", ""), TONES),
                      _among(asked.get("kind", ""), _KINDS), asked.get("tag", "")[:200])  # fmt: skip
        page = _number(asked.get("page", "1"))

        def make() -> str:
            board = self._boards.board(what, page, self._clock())
            query = {"q": what.text, "state": what.tone, "kind": what.kind, "tag": what.tag}
            link = urlencode({name: value for name, value in query.items() if value})
            return self._templates.text("status.html", board=board, head=board.head, what=what, tones=TONES,
                                        kinds=_KINDS, link=link, **self._reader(request))  # fmt: skip

        return self._answer(request, (what, page), make)

    def _alert(self, request: Request) -> Response:
        def make() -> str:
            now, watched = self._clock(), self._watched
            episode = watched.store.episode(request.path_params["id"])
            if episode is None:
                raise _NotFoundError("there is no episode with this id; it may be older than the history kept")
            entries = watched.store.entries_of(episode.id)
            labels = {one.target: one.label or one.receiver for one in watched.store.targets()}
            picture = watched.picture(episode, now)
            rule = [one for one in watched.policy.rules if one.name == episode.alert.rule]
            firing = watched.store.episodes(firing=True, limit=_FIRING)
            rows, near = [], []
            topology, judged = self._boards.topology(), watched.judged
            if topology is not None and judged is not None:
                troubled = topology.troubled(firing)
                views = {one.id: episode_view(one, (), now, {}, watched.links) for one in firing}
                maker = RowViews(judged.snapshot, States(judged.snapshot), watched.links, watched.line)
                rows = [maker.view(row, troubled.get(row.key, ()), views) for row in topology.rows_of(episode)[:5]]
                near = neighbours(topology.fleet, episode.alert.entity_key)[:12]
            beside = {id(one): [view.alert.rule for view in firing if view.alert.entity_key == one.key] for one in near}
            return self._templates.text(
                "episode.html",
                one=episode_view(episode, entries, now, watched.texts(episode, now), watched.links),
                head=self._boards.head(now, len(firing)),
                told=told_views(entries, labels, now),
                story=story(watched.store.notes_of(episode=episode.id), labels, now),
                chart="" if picture is None else draw(picture),
                rows=rows,
                near=[(one, beside[id(one)]) for one in near],
                rule=next(iter(rule_views(rule, judged, firing)), None),
                **self._reader(request),
            )

        return self._answer(request, (), make)

    def _chart(self, request: Request) -> Response:
        """The numbers behind the picture, for the script that draws it with a cursor."""
        if refused := self._access.may_read(request.headers, request.cookies):
            return refusal(refused)
        now = self._clock()
        episode = self._watched.store.episode(request.path_params["id"])
        picture = None if episode is None else self._watched.picture(episode, now)
        if picture is None:
            return JSONResponse({"error": "there is no picture of this episode"}, 404, headers=HEADERS)
        values = [None if math.isnan(value) else value for value in picture.line.values.tolist()]
        found = {"metric": picture.metric, "unit": picture.unit, "times": picture.line.times.tolist(),
                 "values": values, "limit": picture.limit, "began": picture.began, "ended": picture.ended,
                 "now": picture.now}  # fmt: skip
        return JSONResponse(found, headers=HEADERS)

    def _rules(self, request: Request) -> Response:
        wanted = request.query_params.get("q", "").strip()[:200]

        def make() -> str:
            firing = self._watched.store.episodes(firing=True, limit=_FIRING)
            words = wanted.casefold().split()
            rules = [
                one
                for one in rule_views(self._watched.policy.rules, self._watched.judged, firing)
                if all(word in f"{one.name} {one.expr} {one.each} {one.summary}".casefold() for word in words)
            ]
            return self._templates.text("rules.html", rules=rules, wanted=wanted, all=len(self._watched.policy.rules),
                                        head=self._boards.head(self._clock(), len(firing)),
                                        **self._reader(request))  # fmt: skip

        return self._answer(request, (wanted,), make)

    def _silences(self, request: Request) -> Response:
        asked = request.query_params

        def make() -> str:
            now = self._clock()
            typed = {name: asked.get(name, "")[:2000] for name in ("matchers", "for", "author", "comment")}
            found, wrong = None, ""
            if "preview" in asked:
                try:
                    matchers = parse_matchers(typed["matchers"])
                    firing = self._watched.store.episodes(firing=True, limit=_FIRING)
                    found = preview(matchers, firing, self._watched.judged)
                except ValueError as cause:
                    wrong = str(cause)
            return self._templates.text("silences.html", silences=self._boards.silences(now),
                                        over=self._boards.silences(now, over=True)[:20], typed=typed, preview=found,
                                        wrong=wrong, head=self._boards.head(now), **self._reader(request))  # fmt: skip

        return self._answer(request, (str(asked),), make)

    # -- inside

    def _reader(self, request: Request) -> dict[str, object]:
        """What a page depends on beside the watchdog: who reads it."""
        return {"may": self._may(request), "here": _here(request)}

    def _may(self, request: Request) -> str:
        """Whether this reader may change something: `yes`, `sign-in`, or `never` where no token is set."""
        refused = self._access.may_change(request.headers, request.cookies)
        return {None: "yes", Refusal.NO_TOKEN_SET: "never"}.get(refused, "sign-in")

    def _answer(self, request: Request, key: Hashable, make: Callable[[], str]) -> Response:
        if refused := self._access.may_read(request.headers, request.cookies):
            return self.refused(request, refused)
        state = (self._watched.version(), self._watched.healthy(), self._clock() // _FRESH)
        whole = (request.url.path, request.url.query, self._may(request), state, key)
        try:
            return self._rendered.answer(request, whole, make)
        except _NotFoundError as cause:
            return self._templates.page("message.html", 404, head=self._boards.head(self._clock()), title="Not found",
                                        text=str(cause), **self._reader(request))  # fmt: skip

    def refused(self, request: Request, refused: Refusal) -> Response:
        """A browser gets the sign-in page, everything else what it can understand."""
        if refused.status == 401 and "text/html" in request.headers.get("accept", ""):
            return self._templates.page("sign-in.html", 401, here=_here(request), wrong="")
        return refusal(refused)


class _NotFoundError(Exception):
    """There is no such page."""


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """Matchers as people write them: one a line, or several parted by spaces outside quotes. Raises ValueError."""
    return tuple(parse_matcher(one) for one in _parted(text))


def _parted(text: str) -> list[str]:
    parts, part, quote = [], "", ""
    for char in text:
        if char in "\"'" and not part.endswith("\\"):
            quote = "" if quote == char else quote or char
        if char.isspace() and not quote:
            if part:
                parts.append(part)
            part = ""
        else:
            part += char
    if part:
        parts.append(part)
    return parts


def _among(value: str, known: Container[str]) -> str:
    return value if value in known else ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def _here(request: Request) -> str:
    """The page asked for, to come back to."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")

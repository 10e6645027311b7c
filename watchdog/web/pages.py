"""Pages for people: what fires, one episode, the rules, the silences. Rendered here; readable without scripts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Container, Hashable, Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from watchdog.alerts.episodes import Episode
from watchdog.alerts.silences import MOST_MATCHERS, Matcher, parse_matcher
from watchdog.notify.chart import draw
from watchdog.notify.routes import text_of
from watchdog.web.access import Access, Refusal
from watchdog.web.connector_states import States
from watchdog.web.episode_cards import card
from watchdog.web.episode_timeline import story
from watchdog.web.probes import refusal
from watchdog.web.rendering import HEADERS, Rendered, Templates
from watchdog.web.rules_page import rule_views
from watchdog.web.silences import mute_views, preview
from watchdog.web.status_page import Boards
from watchdog.web.topology import TONES, Filter
from watchdog.web.topology_rows import Neighbour, RowView, RowViews, neighbours
from watchdog.web.view import ServiceView

Clock = Callable[[], float]
#: Rows around one episode, and silences that are over, on one page.
_AROUND, _OVER = 5, 20
_KINDS = ("pipeline", "source", "destination", "transform")
#: A page is rendered anew at least so often, also where nothing changed: its "ago" is for who has no script.
_FRESH = 10.0


class Pages:
    """Answers for browsers. A page is made once for each state of the watchdog, whoever asks."""

    def __init__(self, watched: ServiceView, access: Access, templates: Templates, clock: Clock = time.time) -> None:
        self._watched, self._access, self._templates, self._clock = watched, access, templates, clock
        self._boards = Boards(watched)
        self._rendered = Rendered()

    def routes(self) -> list[Route]:
        """Reading needs what WATCHDOG_WEB_READ says."""
        return [
            Route("/", self._status),
            Route("/alerts/{id}", self._alert),
            Route("/alerts/{id}/chart.json", self._chart),
            Route("/rules", self._rules),
            Route("/silences", self._silences, methods=["GET"]),
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
        return self._answer(request, (), lambda: self._episode(request))

    def _episode(self, request: Request) -> str:
        now, watched, store = self._clock(), self._watched, self._watched.store
        episode = store.episode(request.path_params["id"])
        if episode is None:
            raise _NotFoundError("there is no episode with this id; it may be older than the history kept")
        firing, entries = self._boards.firing(), store.entries_of(episode.id)
        outlook = self._boards.outlook(firing, store.targets(), now)
        picture = watched.picture(episode, now)
        rule = [one for one in watched.policy.rules if one.name == episode.alert.rule]
        rows, near = self._around(episode, firing)
        return self._templates.text(
            "episode.html",
            one=card(episode, now, watched.links, watched.texts(episode, now), outlook.knowledge(episode, entries)),
            labels=[(name, text_of(value)) for name, value in sorted(episode.facts.labels.items()) if value],
            head=self._boards.head(now, firing),
            told=outlook.ledger(entries),
            story=story(store.notes_of(episode=episode.id), episode.since, outlook.label, now),
            chart="" if picture is None else draw(picture),
            rows=rows,
            near=near,
            rule=next(iter(rule_views(rule, watched.evaluation, firing)), None),
            **self._reader(request),
        )

    def _around(self, episode: Episode, firing: Sequence[Episode]) -> tuple[list[RowView], list[Neighbour]]:
        """What stands near an episode's entity: the rows it is in, and its connector or tasks."""
        topology, evaluation = self._boards.topology(), self._watched.evaluation
        if topology is None or evaluation is None:
            return [], []
        troubled, states = topology.troubled(firing), States(evaluation.snapshot)
        views = RowViews(evaluation.snapshot, states, self._watched.links, self._watched.line)
        rows = [views.view(row, troubled.get(row.key, ())) for row in topology.rows_of(episode)[:_AROUND]]
        return rows, neighbours(evaluation.snapshot, episode.alert.entity_key, firing)

    def _chart(self, request: Request) -> Response:
        """The numbers behind the picture, for the script that draws it with a cursor."""
        if refused := self._access.may_read(request):
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
            firing = self._boards.firing()
            words = wanted.casefold().split()
            rules = [
                one
                for one in rule_views(self._watched.policy.rules, self._watched.evaluation, firing)
                if all(word in f"{one.name} {one.expr} {one.each} {one.summary}".casefold() for word in words)
            ]
            return self._templates.text(
                "rules.html",
                rules=rules,
                wanted=wanted,
                all=len(self._watched.policy.rules),
                mistakes=self._watched.mistakes.splitlines(),
                head=self._boards.head(self._clock(), firing),
                **self._reader(request),
            )

        return self._answer(request, (wanted,), make)

    def _silences(self, request: Request) -> Response:
        asked = request.query_params

        def make() -> str:
            now, firing = self._clock(), self._boards.firing()
            typed = {name: asked.get(name, "")[:2000] for name in ("matchers", "for", "author", "comment")}
            found, wrong = None, ""
            if typed["matchers"].strip():
                try:
                    found = preview(parse_matchers(typed["matchers"]), firing, self._watched.evaluation)
                except ValueError as cause:
                    wrong = str(cause)
            return self._templates.text(
                "silences.html",
                silences=self._boards.silences(now, firing),
                over=self._boards.silences(now, firing, over=True)[:_OVER],
                mutes=mute_views(self._watched.policy.mutes, firing, now),
                typed=typed,
                preview=found,
                wrong=wrong,
                head=self._boards.head(now, firing),
                **self._reader(request),
            )

        return self._answer(request, (str(asked),), make)

    # -- inside

    def _reader(self, request: Request) -> dict[str, object]:
        """What a page depends on beside the watchdog: who reads it."""
        return {"may": self._may(request), "here": _here(request), "user": self._access.proxy.user(request)}

    def _may(self, request: Request) -> str:
        """Whether this reader may change something: `yes`, `sign-in`, or `never` where no token is set."""
        refused = self._access.may_change(request)
        return {None: "yes", Refusal.NO_TOKEN_SET: "never"}.get(refused, "sign-in")

    def _answer(self, request: Request, key: Hashable, make: Callable[[], str]) -> Response:
        if refused := self._access.may_read(request):
            return self.refused(request, refused)
        state = (self._watched.version(), self._watched.healthy(), self._clock() // _FRESH)
        reader = (self._may(request), self._access.proxy.user(request))
        whole = (request.scope["path"], request.scope["query_string"], reader, state, key)
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
    parts = _parted(text)
    if len(parts) > MOST_MATCHERS:
        raise ValueError(f"matchers: {len(parts)} were found; at most {MOST_MATCHERS} are accepted")
    return tuple(map(parse_matcher, parts))


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
    query = request.scope["query_string"].decode("latin-1")
    return str(request.scope["path"]) + (f"?{query}" if query else "")

"""Links that act: one alert without sign-in, to acknowledge or silence it, for who holds the signed link."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from watchdog.alerts.episodes import Episode
from watchdog.notify.chart import draw
from watchdog.store import responses
from watchdog.store.audit import Actor, Via
from watchdog.store.signed_links import LASTS, SignedLinks
from watchdog.web.access import Access
from watchdog.web.actions import Form, FormError, read_form
from watchdog.web.episode_cards import card
from watchdog.web.rendering import Templates
from watchdog.web.times import moment
from watchdog.web.view import ServiceView

#: The name that somebody has written. Browsers send it with no form of another site, so that its presence shows that a
#: form is ours where they hide where it comes from.
COOKIE = "watchdog_name"
_KEPT = 365 * 86400
#: What a button asks for: seconds of silence, None until the alert resolves.
_SILENCES: dict[str, float | None] = {"silence-1h": 3600.0, "silence-4h": 4 * 3600.0, "silence-until-end": None}
_ACKNOWLEDGE = "acknowledge"
#: The address of the page is the right to act: it leaves this page with no request, and no search engine keeps it.
_HEADERS = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}


@dataclass(frozen=True, slots=True)
class _Held:
    """A silence that covers the alert: who made it, and until when it holds ("" until the alert resolves)."""

    author: str
    until: str


class _NoLinkError(Exception):
    """A link that opens nothing: the status, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class ActingLinks:
    """Answers `/s/<signature>`. `signed` is None where links that act are switched off."""

    def __init__(
        self,
        watched: ServiceView,
        access: Access,
        templates: Templates,
        signed: SignedLinks | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._watched, self._access, self._templates, self._clock = watched, access, templates, clock
        self._signed = signed

    def routes(self) -> list[Route]:
        return [
            Route("/s/{signature}", self._show, methods=["GET"]),  # and HEAD, by itself
            Route("/s/{signature}", self._act, methods=["POST"]),
        ]

    def _show(self, request: Request) -> Response:
        """Changes nothing: mail scanners open every link."""
        try:
            episode = self._opened(request)
        except _NoLinkError as cause:
            return self._closed(cause)
        return self._page(request, episode)

    async def _act(self, request: Request) -> Response:
        if not self._from_our_page(request):
            return self._closed(_NoLinkError(403, "This request comes from another site's page. Open the link again."))
        try:
            form = await read_form(request)
        except FormError as cause:
            return self._closed(_NoLinkError(cause.status, str(cause)))
        return await run_in_threadpool(self._done, request, form)

    def _done(self, request: Request, form: Form) -> Response:
        try:
            episode = self._opened(request)
        except _NoLinkError as cause:
            return self._closed(cause)
        name = self._access.proxy.user(request) or form.get("name", "").strip() or _remembered(request)
        if not name:
            return self._page(request, episode, 400, "Write your name, so that others know whom to ask.")
        by, now = Actor(name, Via.LINK, self._access.proxy.address(request)), self._clock()
        wanted = form.get("do", "")
        try:
            if wanted == _ACKNOWLEDGE:
                done = responses.acknowledge(self._watched, episode.id, by, now) is not None
            elif wanted in _SILENCES:
                done = responses.silence(self._watched, episode.id, by, _SILENCES[wanted], now) is not None
            else:
                accepted = ", ".join((_ACKNOWLEDGE, *_SILENCES))
                return self._page(request, episode, 400, f"do: {wanted[:50]!r} was found; write one of {accepted}.")
        except ValueError as cause:
            return self._page(request, episode, 400, str(cause))
        if not done:
            return self._page(request, episode, 409, "This alert does not fire any more.")
        answer = RedirectResponse(request.scope["path"], 303, _HEADERS)
        self._remember(request, answer, name)
        return answer

    # -- inside

    def _opened(self, request: Request) -> Episode:
        """The episode that the link is for. Raises _NoLinkError."""
        if self._signed is None:
            raise _NoLinkError(404, "Links in messages are switched off here (WATCHDOG_LINKS=off).")
        link = self._signed.read(request.path_params["signature"])
        if link is None:
            self._access.refusals.refused(self._access.proxy.address(request))
            raise _NoLinkError(403, "This link is not valid. It may have been cut off or revoked; newer messages have "
                                    "another one.")  # fmt: skip
        episode = self._watched.store.episode(link.episode)
        if episode is None or (episode.ended is not None and self._clock() > episode.ended + LASTS):
            raise _NoLinkError(410, "This link has ended: the alert resolved more than 24 hours ago.")
        return episode

    def _from_our_page(self, request: Request) -> bool:
        """Browsers say `Origin: null` for a form of a page that is no referrer; where they do not add that it is of the
        same origin (plain http), only our own page comes with our cookie."""
        headers = request.headers
        if headers.get("origin") == "null":
            said = headers.get("sec-fetch-site")
            return said == "same-origin" or (said is None and COOKIE in request.cookies)
        return self._access.same_origin(headers)

    def _page(self, request: Request, episode: Episode, status: int = 200, wrong: str = "") -> Response:
        now, watched = self._clock(), self._watched
        episode = watched.store.episode(episode.id) or episode
        picture = watched.picture(episode, now)
        page = self._templates.page(
            "link.html",
            status,
            one=card(episode, now, watched.links, watched.texts(episode, now)),
            alert_url=watched.links.to_alert(episode),
            chart="" if picture is None else draw(picture),
            held=self._held(episode, now),
            action=request.scope["path"],
            named=_remembered(request),
            user=self._access.proxy.user(request),
            wrong=wrong,
        )
        page.headers.update(_HEADERS)
        if COOKIE not in request.cookies:
            self._remember(request, page, "")
        return page

    def _closed(self, cause: _NoLinkError) -> Response:
        page = self._templates.page("link.html", cause.status, one=None, wrong=str(cause))
        page.headers.update(_HEADERS)
        return page

    def _held(self, episode: Episode, now: float) -> list[_Held]:
        """The silences on it, those of the last second too."""
        labels = episode.facts.labels
        covering = [
            one
            for one in self._watched.store.silences()
            if one.active(now) and one.episode in ("", episode.id) and one.matches(labels)
        ]
        return [_Held(one.author, "" if one.episode else moment(one.ends, now).text) for one in covering]

    def _remember(self, request: Request, answer: Response, name: str) -> None:
        secure = self._access.behind_https or request.headers.get("x-forwarded-proto") == "https"
        answer.set_cookie(COOKIE, quote(name), max_age=_KEPT, path="/s/", httponly=True, samesite="lax", secure=secure)


def _remembered(request: Request) -> str:
    """The name written the last time in this browser."""
    return unquote(request.cookies.get(COOKIE, ""), errors="replace").strip()

"""What people do on the pages: sign in, acknowledge, silence, extend, expire. Each answer leads back to a page."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from watchdog.errors import StoreError
from watchdog.units import format_duration, parse_duration
from watchdog.web.access import COOKIE, SESSION, Access, Refusal
from watchdog.web.pages import parse_matchers
from watchdog.web.probes import refusal
from watchdog.web.rendering import Templates
from watchdog.web.status_page import Boards
from watchdog.web.view import ServiceView

Form = Mapping[str, str]
Clock = Callable[[], float]
#: More than any form of ours holds.
_MOST_BODY = 64 * 1024
_LONGEST = 365 * 86400.0


class Acting:
    """Forms and their answers. Everything but signing in needs the right to change."""

    def __init__(self, watched: ServiceView, access: Access, templates: Templates, clock: Clock = time.time) -> None:
        self._watched, self._access, self._templates, self._clock = watched, access, templates, clock
        self._boards = Boards(watched)

    def routes(self) -> list[Route]:
        return [
            Route("/sign-in", self._sign_in_page, methods=["GET"]),
            Route("/sign-in", self._sign_in, methods=["POST"]),
            Route("/sign-out", self._sign_out, methods=["POST"]),
            Route("/alerts/{id}/ack", self._changing(self._acknowledge), methods=["POST"]),
            Route("/silences", self._changing(self._silence), methods=["POST"]),
            Route("/silences/{id}/extend", self._changing(self._extend), methods=["POST"]),
            Route("/silences/{id}/expire", self._changing(self._expire), methods=["POST"]),
        ]

    # -- signing in

    def _sign_in_page(self, request: Request) -> Response:
        here = _own_page(request.query_params.get("next", ""))
        wrong = "" if self._access.token else Refusal.NO_TOKEN_SET.why
        return self._templates.page("sign-in.html", here=here, wrong=wrong)

    async def _sign_in(self, request: Request) -> Response:
        form = await _form(request)
        here = _own_page(form.get("next", ""))
        if not self._access.same_origin(request.headers):
            return refusal(Refusal.FOREIGN_ORIGIN)
        session = self._access.sign_in(form.get("token", ""))
        if isinstance(session, Refusal):
            wrong = "that is not the token" if session is Refusal.NOT_SIGNED_IN else session.why
            return self._templates.page("sign-in.html", session.status, here=here, wrong=wrong)
        answer = RedirectResponse(here, 303)
        secure = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
        answer.set_cookie(COOKIE, session, max_age=int(SESSION), httponly=True, samesite="strict", secure=secure)
        return answer

    async def _sign_out(self, request: Request) -> Response:
        if not self._access.same_origin(request.headers):
            return refusal(Refusal.FOREIGN_ORIGIN)
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    # -- changing something; each raises ValueError with what is wrong

    def _acknowledge(self, id_: str, form: Form) -> str:
        author = _author(form)
        if self._watched.acknowledge(id_, author, form.get("comment", "").strip()) is None:
            raise LookupError("this alert does not fire any more, there is nothing to acknowledge")
        return f"/alerts/{id_}"

    def _silence(self, id_: str, form: Form) -> str:
        matchers = parse_matchers(form.get("matchers", ""))
        now = self._clock()
        self._watched.new_silence(matchers, now, now + _lasting(form), _author(form), form.get("comment", "").strip())
        return "/silences"

    def _extend(self, id_: str, form: Form) -> str:
        found = next((one for one in self._watched.store.silences() if one.id == id_), None)
        if found is None:
            raise LookupError("there is no silence with this id")
        now = self._clock()
        if found.ends <= now:
            raise ValueError("this silence is over; make a new one")
        self._watched.put_silence(replace(found, ends=found.ends + _lasting(form), changed=now))
        return "/silences"

    def _expire(self, id_: str, form: Form) -> str:
        if self._watched.expire_silence(id_) is None:
            raise LookupError("there is no silence with this id")
        return "/silences"

    # -- inside

    def _changing(self, act: Callable[[str, Form], str]) -> Callable[[Request], object]:
        """A form's handler: who may not is refused, what is wrong is said on a page, else back to where it was."""

        async def guarded(request: Request) -> Response:
            if refused := self._access.may_change(request.headers, request.cookies):
                if refused.status == 401 and "text/html" in request.headers.get("accept", ""):
                    return self._templates.page("sign-in.html", 401, here=_back(request), wrong="")
                return refusal(refused)
            try:
                form = await _form(request)
                place = await run_in_threadpool(act, request.path_params.get("id", ""), form)
            except LookupError as cause:
                return self._wrong(404, cause, request)
            except ValueError as cause:
                return self._wrong(400, cause, request)
            except StoreError as cause:
                return self._wrong(503, cause, request)
            return RedirectResponse(_own_page(form.get("next", "")) if form.get("next") else place, 303)

        return guarded

    def _wrong(self, status: int, cause: Exception, request: Request) -> Response:
        head = self._boards.head(self._clock())
        return self._templates.page("message.html", status, head=head, title="That did not work", text=str(cause),
                                    here=_back(request), may="yes")  # fmt: skip


async def _form(request: Request) -> Form:
    """A posted form's fields, the last of each name. Raises ValueError for one that is too large or none."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BODY:
            raise ValueError(f"the form is larger than {_MOST_BODY // 1024} KiB")
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=50)
    except UnicodeDecodeError as cause:
        raise ValueError("the form is not encoded as application/x-www-form-urlencoded") from cause
    return {name: values[-1] for name, values in fields.items()}


def _author(form: Form) -> str:
    author = form.get("author", "").strip()
    if not author:
        raise ValueError("author: nothing was found; write who you are, so that others know whom to ask")
    return author[:200]


def _lasting(form: Form) -> float:
    """How many seconds a silence holds."""
    seconds = parse_duration(form.get("for", "").strip())
    if not 60 <= seconds <= _LONGEST:
        raise ValueError(f"for: {form.get('for', '')} is not between 1m and {format_duration(_LONGEST)}")
    return seconds


def _back(request: Request) -> str:
    """The page a form was on."""
    referer = urlsplit(request.headers.get("referer", ""))
    return _own_page(referer.path + (f"?{referer.query}" if referer.query else ""))


def _own_page(path: str) -> str:
    """Somewhere here: never another site, whatever a link says."""
    whole = urlsplit(path)
    fine = path.startswith("/") and not path.startswith(("//", "/\\")) and not whole.netloc and "\\" not in path
    fine = fine and path.isprintable() and not whole.path.startswith("/sign-in")
    return path if fine else "/"

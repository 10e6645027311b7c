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

from watchdog.store.audit import Action, Actor
from watchdog.units import format_duration, parse_duration
from watchdog.web.access import Access, Refusal
from watchdog.web.pages import parse_matchers
from watchdog.web.probes import refusal
from watchdog.web.rendering import Templates
from watchdog.web.sessions import COOKIE, LASTS
from watchdog.web.status_page import Boards
from watchdog.web.view import ServiceView

Form = Mapping[str, str]
Clock = Callable[[], float]
#: More than any form of ours holds: bytes, and fields.
_MOST_BODY, _MOST_FIELDS = 64 * 1024, 50
_LONGEST = 365 * 86400.0


class FormError(ValueError):
    """A form that cannot be read, and the status that says so."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


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
        here = own_page(request.query_params.get("next", ""))
        wrong = "" if self._access.token else Refusal.NO_TOKEN_SET.why
        return self._templates.page("sign-in.html", here=here, wrong=wrong)

    async def _sign_in(self, request: Request) -> Response:
        if not self._access.same_origin(request.headers):
            return refusal(Refusal.FOREIGN_ORIGIN)
        try:
            form = await read_form(request)
        except FormError as cause:
            return self._templates.page("sign-in.html", cause.status, here="/", wrong=str(cause))
        here = own_page(form.get("next", ""))
        session = await run_in_threadpool(self._access.sign_in, request, form.get("token", ""))
        if isinstance(session, Refusal):
            wrong = "that is not the token" if session is Refusal.NOT_SIGNED_IN else session.why
            page = self._templates.page("sign-in.html", session.status, here=here, wrong=wrong)
            if session is Refusal.SLOW_DOWN:
                page.headers.update(session.headers)
            return page
        answer = RedirectResponse(here, 303)
        secure = self._access.behind_https or request.headers.get("x-forwarded-proto") == "https"
        answer.set_cookie(COOKIE, session, max_age=int(LASTS), httponly=True, samesite="strict", secure=secure)
        return answer

    def _sign_out(self, request: Request) -> Response:
        if not self._access.same_origin(request.headers):
            return refusal(Refusal.FOREIGN_ORIGIN)
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        self._access.sign_out(request)
        return answer

    # -- changing something; each raises ValueError with what is wrong

    def _acknowledge(self, id_: str, form: Form, by: Actor) -> str:
        by = _named(by, form)
        found = self._watched.acknowledge(id_, by.who, form.get("comment", "").strip())
        if found is None:
            raise LookupError("this alert does not fire any more, there is nothing to acknowledge")
        self._access.record(by, Action.ACKNOWLEDGE, f"{found.alert.rule} on {found.facts.entity}")
        return f"/alerts/{id_}"

    def _silence(self, id_: str, form: Form, by: Actor) -> str:
        matchers, by, now = parse_matchers(form.get("matchers", "")), _named(by, form), self._clock()
        comment = form.get("comment", "").strip()
        made = self._watched.new_silence(matchers, now, now + _lasting(form), by.who, comment)
        self._access.record(by, Action.SILENCE, f"made: {made.text}")
        return "/silences"

    def _extend(self, id_: str, form: Form, by: Actor) -> str:
        found = next((one for one in self._watched.store.silences() if one.id == id_), None)
        if found is None:
            raise LookupError("there is no silence with this id")
        now = self._clock()
        if found.ends <= now:
            raise ValueError("this silence has ended; make a new one")
        self._watched.put_silence(replace(found, ends=found.ends + _lasting(form), changed=now))
        self._access.record(by, Action.SILENCE, f"extended by {form.get('for', '')}: {found.text}")
        return "/silences"

    def _expire(self, id_: str, form: Form, by: Actor) -> str:
        found = self._watched.expire_silence(id_)
        if found is None:
            raise LookupError("there is no silence with this id")
        self._access.record(by, Action.SILENCE, f"expired: {found.text}")
        return "/silences"

    # -- inside

    def _changing(self, act: Callable[[str, Form, Actor], str]) -> Callable[[Request], object]:
        """A form's handler: who may not is refused, what is wrong is said on a page, else back to where it was."""

        async def guarded(request: Request) -> Response:
            if refused := await run_in_threadpool(self._access.may_change, request):
                if refused.status == 401 and "text/html" in request.headers.get("accept", ""):
                    return self._templates.page("sign-in.html", 401, here=_back(request), wrong="")
                return refusal(refused)
            try:
                form = await read_form(request)
                by = await run_in_threadpool(self._access.actor, request)
                place = await run_in_threadpool(act, request.path_params.get("id", ""), form, by)
            except LookupError as cause:
                return await run_in_threadpool(self._wrong, 404, cause, request)
            except FormError as cause:
                return await run_in_threadpool(self._wrong, cause.status, cause, request)
            except ValueError as cause:
                return await run_in_threadpool(self._wrong, 400, cause, request)
            return RedirectResponse(own_page(form.get("next", "")) if form.get("next") else place, 303)

        return guarded

    def _wrong(self, status: int, cause: Exception, request: Request) -> Response:
        head = self._boards.head(self._clock())
        return self._templates.page("message.html", status, head=head, title="That did not work", text=str(cause),
                                    here=_back(request), may="yes")  # fmt: skip


async def read_form(request: Request) -> Form:
    """A posted form's fields, the last of each name. Raises FormError for one that is too large or none."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BODY:
            raise FormError(413, f"the form is larger than {_MOST_BODY // 1024} KiB")
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except UnicodeDecodeError:
        raise FormError(400, "the form is not encoded as application/x-www-form-urlencoded") from None
    except ValueError:
        raise FormError(400, f"the form has more than {_MOST_FIELDS} fields") from None
    return {name: values[-1] for name, values in fields.items()}


def _named(by: Actor, form: Form) -> Actor:
    """Who acts, by the name in the form unless the proxy gives one. Raises ValueError where there is no name."""
    by = by.called(form.get("author", "").strip())
    if not by.who:
        raise ValueError("author: nothing was found; write your name, so that others know whom to ask")
    return by


def _lasting(form: Form) -> float:
    """How many seconds a silence holds."""
    seconds = parse_duration(form.get("for", "").strip())
    if not 60 <= seconds <= _LONGEST:
        raise ValueError(f"for: {form.get('for', '')} is not between 1m and {format_duration(_LONGEST)}")
    return seconds


def _back(request: Request) -> str:
    """The page a form was on."""
    try:
        referer = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return "/"
    return own_page(referer.path + (f"?{referer.query}" if referer.query else ""))


def own_page(path: str) -> str:
    """Somewhere here: never another site, whatever a link says."""
    try:
        whole = urlsplit(path)
    except ValueError:
        return "/"
    fine = path.startswith("/") and not path.startswith(("//", "/\\")) and not whole.netloc and "\\" not in path
    fine = fine and path.isprintable() and not whole.path.startswith("/sign-in")
    return path if fine else "/"

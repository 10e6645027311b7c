"""The Streamkap API as functions: sign-in, lists to their last page, metrics in chunks, every failure one ApiError."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import msgspec

from watchdog.errors import ApiError, ShapeError, SignInError
from watchdog.streamkap.answer_delta import DeltaReader
from watchdog.streamkap.answers import document, error_of
from watchdog.streamkap.budget import Budget, DeadlineError, together
from watchdog.streamkap.pages import Page, Pages, page_of
from watchdog.streamkap.queries import MetricsQuery
from watchdog.streamkap.signin import Credentials, SignIn, Token, token_of
from watchdog.streamkap.wire import Answer, Wire

if TYPE_CHECKING:
    import httpx

logger = logging.getLogger(__name__)

Collection = Literal["sources", "destinations", "pipelines", "transforms"]
T = TypeVar("T")
R = TypeVar("R")

#: Entities and topics that one bulk request asks for; the API's defaults would leave some out.
ENTITIES = 500
TOPICS = 1000
PAGE_SIZE = 100  #: the API's maximum; its default of 10 would silently watch ten connectors
_MAX_PAGES = 10_000
_QUICK_RETRIES = 2
_FIRST_PAUSE = 0.2
#: Waiting longer than this for a second try is left to the next poll.
_LONGEST_PAUSE = 5.0
_GET_IDS = 50  #: more ids than this go into a body: proxies cut long URLs


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one bulk request was asked, and what it answered."""

    ids: tuple[str, ...]
    answer: Any | ApiError


class StreamkapClient:
    """One account's API. Safe to use from several threads; at most `threads` requests run at once.

    `timeout` bounds one request from its first byte to its last, in seconds; every method also takes the `Budget` that
    all requests of a poll share. What fails outside this process is an ApiError (SignInError, ShapeError).
    """

    def __init__(
        self,
        host: str,
        credentials: Credentials,
        *,
        tenant_ids: Sequence[str] = (),
        timeout: float = 20.0,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] | None = None,
        max_body: int = 64 * 2**20,
        threads: int = 8,
    ) -> None:
        self.timeout = timeout
        self.tenant_ids = tuple(tenant_ids)
        self._clock = clock
        self._wire = Wire(host, transport=transport, max_body=max_body)
        self._sign_in = SignIn(credentials, clock)
        self._pause = pause or self._wire.wait
        self._threads = threads
        self._slots = threading.BoundedSemaphore(threads)
        #: Threads wait for the network together; reading answers at once they would only be in each other's way.
        self._reading = threading.Lock()
        self._readers: dict[Collection, DeltaReader] = {of: DeltaReader() for of in get_args(Collection)}

    def __enter__(self) -> StreamkapClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._wire.close()

    def stop(self) -> None:
        """Give up what is under way, from another thread; a poll then ends within about half a second."""
        self._wire.stop()

    def budget(self, seconds: float | None = None) -> Budget:
        """Time for all requests of one poll; by default twice the timeout of one."""
        return Budget.of(2 * self.timeout if seconds is None else seconds, self._clock)

    def together(self, function: Callable[[T], R], items: Sequence[T], budget: Budget) -> list[R | ApiError]:
        """`function` of every item at the same time, in order; errors take the place of results."""
        return together(function, items, threads=self._threads, budget=budget)

    # Sign-in

    def sign_in(self, budget: Budget) -> None:
        """Make sure there is a token that is good for now. Raises SignInError where the API refuses the credentials."""
        self._token(budget)

    def _token(self, budget: Budget) -> Token:
        return self._sign_in.token(lambda credentials: self._exchange(credentials, budget))

    def _exchange(self, credentials: Credentials, budget: Budget) -> Token:
        what = "POST /auth/access-token"
        body = msgspec.json.encode({"client_id": credentials.client_id, "secret": credentials.secret})

        def attempt() -> Token:
            answer = self._wire.send("POST", "/auth/access-token", budget.at_most(self.timeout), body=body)
            if 200 <= answer.status < 300:
                return token_of(document(what, answer), self._clock())
            error = error_of(what, answer, self._sign_in.secrets)
            if answer.status in (400, 401, 403, 404, 422):
                raise _refused("the credentials", error)
            raise error

        return self._retried(attempt, budget)

    # Requests

    def request(
        self,
        method: str,
        path: str,
        budget: Budget,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        read: Callable[[str, Answer], Any] = document,
    ) -> Any:
        """What `read` makes of one answer; transient failures are tried again at once, as far as the budget allows."""
        encoded = None if body is None else msgspec.json.encode(body)
        return self._retried(lambda: self._once(method, path, budget, params, encoded, read), budget)

    def _once(
        self,
        method: str,
        path: str,
        budget: Budget,
        params: Mapping[str, str] | None,
        body: bytes | None,
        read: Callable[[str, Answer], Any],
    ) -> Any:
        what = f"{method} {path}"
        token = self._token(budget)
        for last_try in (False, True):
            headers = {"authorization": f"Bearer {token.text}"}
            if not self._slots.acquire(timeout=budget.left):
                raise DeadlineError(f"{what}: no time was left to ask")
            try:
                # Its time begins here: waiting for a free slot is not the API's fault.
                within = budget.at_most(self.timeout)
                answer = self._wire.send(method, path, within, params=params, body=body, headers=headers)
            finally:
                self._slots.release()
            if answer.status != 401:
                break
            if last_try or self._sign_in.credentials.static:
                error = error_of(what, answer, self._sign_in.secrets)
                raise _refused("the access token", error)
            refused = token
            token = self._sign_in.renewed(refused, lambda credentials: self._exchange(credentials, budget))
        if 200 <= answer.status < 300:
            try:
                with self._reading:
                    return read(what, answer)
            except ApiError:
                raise
            except Exception as cause:  # whatever an answer holds, it must not cost the other answers
                logger.exception("an answer of the API could not be read", extra={"request": what})
                raise ShapeError(f"{what}: the answer could not be read ({type(cause).__name__})") from cause
        raise error_of(what, answer, self._sign_in.secrets)

    def _retried(self, attempt: Callable[[], R], budget: Budget) -> R:
        for number in range(_QUICK_RETRIES + 1):
            try:
                return attempt()
            except ApiError as error:
                pause = _FIRST_PAUSE * 4**number * random.uniform(0.75, 1.25)
                if error.retry_after is not None:
                    pause = max(pause, error.retry_after)
                hopeless = not error.transient or isinstance(error, DeadlineError | SignInError)
                too_long = pause > min(_LONGEST_PAUSE, budget.left)
                if hopeless or too_long or number == _QUICK_RETRIES or self._wire.stopped:
                    raise
                self._pause(pause)
        raise AssertionError("unreachable")

    # Lists

    def page(self, path: str, number: int, budget: Budget, params: Mapping[str, str] | None = None) -> Page:
        """One page of a list."""
        asked = {"page": str(number), "page_size": str(PAGE_SIZE), **(params or {})}
        return page_of(f"GET {path}", self.request("GET", path, budget, params=asked))

    def listed(self, path: str, budget: Budget, params: Mapping[str, str] | None = None) -> Pages:
        """All pages of a list. Raises no ApiError: what arrived is kept, with the error beside it."""
        pages = Pages()
        try:
            pages.add(self.page(path, 1, budget, params))
        except ApiError as error:
            return Pages(error=error)
        number = 1
        while not pages.ended and number < _MAX_PAGES:
            # As many as the total promises at once; then one by one, because totals may be absent or wrong.
            ahead = min(max(1, pages.promised(PAGE_SIZE) - number), 10 * self._threads)
            numbers = range(number + 1, number + 1 + ahead)
            for page in self.together(lambda n: self.page(path, n, budget, params), numbers, budget):
                if isinstance(page, ApiError):
                    pages.error = pages.error or page
                elif not pages.ended:
                    pages.add(page)
            if pages.error is not None:
                break
            number += ahead
        return pages

    def sources(self, budget: Budget) -> Pages:
        return self.listed("/sources", budget)

    def destinations(self, budget: Budget) -> Pages:
        return self.listed("/destinations", budget)

    def pipelines(self, budget: Budget) -> Pages:
        return self.listed("/pipelines", budget)

    def transforms(self, budget: Budget) -> Pages:
        return self.listed("/transforms", budget)

    def transform_details(self, budget: Budget) -> Pages:
        """Every transform with its `metrics` (status, latency, checkpoints, …)."""
        return self.listed("/transforms/details", budget)

    def tags(self, budget: Budget) -> dict[str, str]:
        """Names of tags by id. Raises ApiError."""
        pages = self.listed("/tags", budget)
        if pages.error is not None:
            raise pages.error
        return {item["id"]: item["name"] for item in pages.items if isinstance(item.get("name"), str)}

    # Metrics

    def metrics(self, of: Collection, query: MetricsQuery, budget: Budget, *, post: bool | None = None) -> Any:
        """One bulk answer: a PlainDocument, or JSON in some other shape; `recognise` reads both.

        `GET /sources/metrics`, or the equivalent POST for more ids than a URL should hold. The configured tenants are
        sent where the query names none.
        """
        query = self._for_tenants(query)
        ids = query.ids or ("",)
        asked = ids[0], len(ids), query.from_, query.topic_list_from
        path, read = f"/{of}/metrics", partial(self._readers[of].read, request=asked)
        if post is None:
            post = len(query.ids or ()) > _GET_IDS
        if not post:
            return self.request("GET", path, budget, params=query.params(), read=read)
        body = {"ids": list(query.ids or ())} | ({"tenant_ids": list(query.tenant_ids)} if query.tenant_ids else {})
        rest = replace(query, ids=None, tenant_ids=None)
        return self.request("POST", path, budget, params=rest.params(), body=body, read=read)

    def metrics_of_all(
        self, of: Collection, ids: Sequence[str], budget: Budget, query: MetricsQuery | None = None
    ) -> list[Chunk]:
        """The metrics of any number of ids, in chunks, at the same time; a chunk that failed holds its error."""
        query = query or MetricsQuery(time_type="latest")
        parts = [tuple(ids[start : start + ENTITIES]) for start in range(0, len(ids), ENTITIES)]
        return self.metrics_of_parts(
            of, parts, budget, lambda part: replace(query, size=len(part), topic_list_size=TOPICS)
        )

    def metrics_of_parts(
        self,
        of: Collection,
        parts: Sequence[tuple[str, ...]],
        budget: Budget,
        query: Callable[[tuple[str, ...]], MetricsQuery],
    ) -> list[Chunk]:
        """One bulk request for each part of ids, at the same time; a chunk whose request failed holds its error."""
        answers = self.together(lambda part: self.metrics(of, replace(query(part), ids=part), budget), parts, budget)
        return [Chunk(part, answer) for part, answer in zip(parts, answers, strict=True)]

    def metrics_of(self, of: Collection, entity: str, query: MetricsQuery, budget: Budget) -> Any:
        """The documented metrics of one source, destination or pipeline: `{data, metadata}`."""
        if of == "pipelines":
            query = replace(query, time_type=None)  # documented without it: there is only the latest
        return self.request("GET", f"/{of}/{entity}/metrics", budget, params=self._for_tenants(query).params())

    def job_status(self, transform: str, budget: Budget) -> Mapping[str, Any] | None:
        """The Flink job of a transform; None where it was never deployed (the API says 400 or 404 for that)."""
        try:
            found = self.request("GET", f"/transforms/{transform}/job_status", budget)
        except ApiError as error:
            if error.status in (400, 404):
                return None
            raise
        if not isinstance(found, dict):
            raise ShapeError(f"GET /transforms/{transform}/job_status: the answer is no object")
        return found

    def _for_tenants(self, query: MetricsQuery) -> MetricsQuery:
        return replace(query, tenant_ids=self.tenant_ids) if self.tenant_ids and query.tenant_ids is None else query


def _refused(what: str, error: ApiError) -> SignInError:
    return SignInError(
        f"the API refuses {what}: {error}", status=error.status, request_id=error.request_id, transient=False
    )

"""No request of anybody makes a 500 or a traceback: every route and method, with the database there and away.

A leader and a standby share a real PostgreSQL; it is away when it takes no connections and those it had are cut.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_network
from itertools import count
from urllib.parse import quote, urlencode

import httpx
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from site_under_test import RULES, TOKEN, Site
from sqlalchemy.engine import make_url
from starlette.routing import Route

from watchdog.app.standby import StandbyView
from watchdog.configuration.files import load_texts
from watchdog.notify.rendering import Wording
from watchdog.store.store import Store
from watchdog.web.access import Access
from watchdog.web.proxy import Proxy
from watchdog.web.server import Server, application

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
NOBODY = "00000000-0000-4000-8000-000000000000"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Tracebacks(logging.Handler):
    """Whatever is logged with a traceback, or by the web server as an error."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info or (record.levelno >= logging.ERROR and record.name.startswith(("uvicorn", "asyncio"))):
            self.found.append(logging.Formatter().format(record))


@dataclass
class Replicas:
    """The addresses of a leader and a standby, their routes, and what they logged."""

    urls: dict[str, str]
    paths: list[str]
    posted: set[str]
    logged: Tracebacks
    server: str
    episode: str

    @contextmanager
    def database_away(self) -> Iterator[None]:
        """The database cannot be reached."""
        with psycopg.connect(self.server, autocommit=True) as admin:
            admin.execute("ALTER DATABASE fuzz ALLOW_CONNECTIONS false")
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'fuzz'")
            try:
                yield
            finally:
                admin.execute("ALTER DATABASE fuzz ALLOW_CONNECTIONS true")


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory, postgresql_server: str) -> Iterator[Replicas]:
    with psycopg.connect(postgresql_server, autocommit=True) as admin:
        admin.execute("CREATE DATABASE fuzz")
    database = make_url(postgresql_server).set(database="fuzz").render_as_string(hide_password=False)
    logged = Tracebacks()
    logging.getLogger().addHandler(logged)
    with ExitStack() as closing:
        closing.callback(logging.getLogger().removeHandler, logged)
        site = closing.enter_context(Site(tmp_path_factory.mktemp("fuzz"), sources=2, every="3s", WATCHDOG_DATABASE_URL=database,
                                          WATCHDOG_LISTEN="0.0.0.0:0", WATCHDOG_TRUSTED_PROXY="127.0.0.1", WATCHDOG_USER_HEADER="X-User"))  # fmt: skip
        site.breaks(site.sources[0])
        store = Store.open(database, name="other")
        closing.callback(store.close)
        view = StandbyView(store, lambda: load_texts({"rules.yaml": RULES}, {}), Wording(), every=1.0, patience=60.0,
                           clock=time.time, steady=time.monotonic)  # fmt: skip
        app = application(view, Access(TOKEN, False, store=store, proxy=Proxy((ip_network("127.0.0.1"),), "x-user")))
        standby = Server(app, "127.0.0.1", 0)
        standby.start()
        closing.callback(standby.stop)
        urls = {"leader": site.url.replace("0.0.0.0", "127.0.0.1"), "standby": "http://{}:{}".format(*standby.address)}
        routes = [route for route in app.routes if isinstance(route, Route) and route.path != "/events"]
        posted = {route.path for route in routes if "POST" in (route.methods or getattr(route.endpoint, "methods", ()))}
        found = httpx.get(f"{urls['leader']}/api/watchdog/v1/episodes", headers=BEARER).json()["items"][0]["id"]
        yield Replicas(urls, sorted({route.path for route in routes}), posted, logged, postgresql_server, found)


#: Bodies that were sent by attackers, or might be.
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
BAD_BODIES = [
    (None, b""), (None, b"x"), ("multipart/form-data; boundary=x", b"--x"),
    *((FORM, body) for body in ("é".encode(), b"token=%ff%fe", b"token=a;token=b", b"a=1&" * 60, b"token=" + b"x" * 70_000,
                                b"author=e&comment=%00&for=2h&matchers=a%3Db", b"author=e&for=2h&matchers=a%3D~(", b"author=e&for=9e99d&matchers=a%3Db",
                                b"author=e&for=2h&matchers=%00%3Db", b"author=e&for=2h&matchers=" + b"a%3Db+" * 300, b"next=//[&token=x")),
    *((JSON, body) for body in (b"", b"{", b"null", b"[" * 5000, b'{"author": "e\\u0000va"}', b'{"author": "eva", "comment": "x"}', b'{"author": 1}', b"\xff",
                                b'{"matchers": [{"name": "a\\u0000", "value": "b"}], "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z", "createdBy": "e", "comment": ""}',
                                b'{"matchers": [{"name": "a", "value": "(", "isRegex": true}], "startsAt": "0001-01-01T00:00:00Z", "endsAt": "9999-12-31T23:59:59Z", "createdBy": "e", "comment": ""}',
                                b'{"matchers": [], "startsAt": "2026-01-01T00:00:00", "endsAt": "2026-01-01T00:00:00", "createdBy": "", "comment": "", "id": "x"}')),
]  # fmt: skip
BAD_HEADERS = {
    "Accept": ["text/html", "application/json", "\xe9"],
    "Referer": ["http://[", "/silences?x=[", "\xe9", "http://127.0.0.1/"],
    "Origin": ["null", "http://[::", "https://evil.example"],
    "Host": ["[", "x:y", "", "a b", "[::1]:80", "evil.example"],
    "Cookie": ["watchdog_session=\xc3\xa9", "watchdog_session=1.2", ";;;=", "watchdog_session=" + "x" * 500],
    "If-None-Match": ["*", '"', 'W/"x", "y"'],
    "Accept-Encoding": ["gzip", "gzip;q=0, \xe9"],
    "Authorization": ["Basic ???", "Basic \xe9", "Bearer \xff", "Bearer", "Digest x"],
    "X-Forwarded-Proto": ["https", ",,"],
    "X-User": ["eva", "\xe9", "\xc3\xa9", "e\x01"],
}
BAD_QUERIES = ["next=//[", "matchers=a%3D~(", "matchers=%00", "filter=a%3D~(", "filter=a%3D~x{1000}" + "&filter=a%3Db" * 30, "receiver=(", "after=" + "9" * 30,
               "page=" + "9" * 30, "limit=-1", "name=%00", "q=" + "%f0" * 30, "%ff=%fe", "active=maybe", "silenced=\u0661"]  # fmt: skip

#: What people and programs write where a text is expected, and what they should not.
TEXTS = st.one_of(
    st.sampled_from(["", "é", "%ff%fe", "\0", "[", "//[", "//evil.example", "\\", "9" * 30, "-1", "1e999", "nan", "../..", NOBODY,
                     "a=~\"(\"", "a=~x{1000}", "alertname=x", "x" * 3000, "2h", "1h" * 40, "true", "\U0001f600", "\ud83d".encode("utf-8", "replace").decode()]),
    st.text(max_size=30),
)  # fmt: skip
NAMES = st.one_of(
    st.sampled_from(["q", "state", "kind", "tag", "page", "next", "matchers", "for", "author", "comment", "token", "filter", "receiver",
                     "active", "limit", "after", "name", "metric", "firing", "action", "alert", "each"]),
    st.text(max_size=8),
)  # fmt: skip
PAIRS = st.lists(st.tuples(NAMES, TEXTS), max_size=5)
BODIES = st.one_of(
    PAIRS.map(lambda pairs: (FORM, urlencode(pairs).encode())),
    st.binary(max_size=60).map(lambda body: (FORM, body)),
    st.sampled_from(BAD_BODIES),
)
HEADERS = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in BAD_HEADERS.items() if name != "Authorization"})
TOKENS = st.sampled_from([{}, {}, BEARER])


clients = count()


def send(replicas: Replicas, client: httpx.Client, method: str, path: str, body: tuple[str | None, bytes], headers: dict[str, str]) -> None:
    """One request, which may be answered with anything but an error of ours. Each stranger has an address of its own, so that
    none is slowed; the client itself refuses to send some."""
    kind, content = body
    number = next(clients)
    address = "10.9.9.9" if headers.get("Authorization") == BEARER["Authorization"] else f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
    sent = {"X-Forwarded-For": address, **headers, **({"Content-Type": kind} if kind else {})}
    try:
        raw = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
        answer = client.request(method, path, headers=raw, content=content)
    except (httpx.LocalProtocolError, httpx.InvalidURL, UnicodeEncodeError):
        return
    allowed = answer.status_code < 500 or answer.status_code == 503
    assert allowed, f"{method} {path} {headers} {body}: {answer.status_code}"
    assert not replicas.logged.found, replicas.logged.found[0]


def fill(replicas: Replicas, path: str, number: int, text: str) -> str:
    """A route's path with its parameters."""
    return "".join(
        quote(replicas.episode if part == "{id}" and number % 3 == 0 else text, safe="") or "x" if part.startswith("{") else part
        for part in path.replace("{", "\n{").replace("}", "}\n").split("\n")
    )


QUIET = settings(deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
                 suppress_health_check=list(HealthCheck))  # fmt: skip


def fuzz(replicas: Replicas, client: httpx.Client, examples: int) -> None:
    @settings(QUIET, max_examples=examples)
    @given(st.sampled_from(METHODS), st.integers(0, 10**6), TEXTS, PAIRS, BODIES, HEADERS, TOKENS)
    def one(method, number, text, pairs, body, headers, token):
        path = fill(replicas, replicas.paths[number % len(replicas.paths)], number, text)
        send(replicas, client, method, f"{path}?{urlencode(pairs)}", body, {**headers, **token})

    one()


def sweep(replicas: Replicas, client: httpx.Client) -> None:
    """Every form with each bad body, every path with some of the bad headers and queries, which take turns."""
    bad: list[tuple[str, dict[str, str]]] = [(f"?{query}", {}) for query in BAD_QUERIES]
    bad += [("", {name: value}) for name, values in BAD_HEADERS.items() for value in values]
    for number, path in enumerate(replicas.paths):
        there = fill(replicas, path, number, "x")
        step = 1 if path in ("/sign-in", "/silences", "/api/v2/silences") else 5
        for body in BAD_BODIES[number % step :: step] if path in replicas.posted else ():
            send(replicas, client, "POST", there, body, {} if path == "/sign-in" else BEARER)
        for query, headers in bad[number % 7 :: 7]:
            send(replicas, client, "GET", there + query, (None, b""), {**BEARER, **headers})


@pytest.mark.parametrize("which", ["leader", "standby"])
def test_no_request_makes_an_error(replicas: Replicas, which: str) -> None:
    with httpx.Client(base_url=replicas.urls[which], timeout=20) as client:
        sweep(replicas, client)
        fuzz(replicas, client, 60)


CHUNKED = "Transfer-Encoding: chunked\r\n\r\n"
RAW = [
    ("no chunk while the body is read", [f"POST /sign-in HTTP/1.1\r\nHost: x\r\n{CHUNKED}", "ZZZ\r\n"]),
    ("no chunk after the answer", [f"POST /silences HTTP/1.1\r\nHost: x\r\n{CHUNKED}", "ZZZ\r\n"]),
    ("no chunk after a probe", [f"GET /healthz HTTP/1.1\r\nHost: x\r\n{CHUNKED}", "ZZZ\r\n", "ZZZ\r\n"]),
    ("no chunk in a stream", [f"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n{CHUNKED}", "ZZZ\r\n"]),
    ("no chunk in JSON", [f"POST /api/v2/silences HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n{CHUNKED}", "ZZZ\r\n"]),
    ("a second request that is none", ["GET / HTTP/1.1\r\nHost: x\r\n\r\n\x00\x01\r\n\r\n"]),
    ("no HTTP at all", ["\x00\x01\r\n\r\n", "more\r\n\r\n"]),
    ("an upgrade", ["GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"]),
    ("HTTP/2", ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]),
    ("another target", ["GET http://[/ HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n"]),
    ("two lengths", ["POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "G"]),
    ("fifty at once", ["GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 50]),
]  # fmt: skip


@pytest.mark.parametrize(("why", "parts"), RAW, ids=[row[0] for row in RAW])
def test_what_is_no_http_makes_no_error(replicas: Replicas, why: str, parts: list[str]) -> None:
    url = httpx.URL(replicas.urls["leader"])
    with socket.create_connection((url.host, url.port or 80), 5) as raw:
        for part in parts:
            with suppress(OSError):  # it may have been closed
                raw.sendall(part.encode("latin-1"))
            time.sleep(0.05)
    assert httpx.get(f"{url}/readyz").status_code == 200
    assert not replicas.logged.found, replicas.logged.found[0]


@pytest.mark.parametrize("path", ["/sign-in", "/silences", "/api/v2/silences"])
def test_who_leaves_in_the_middle_of_a_body_makes_no_error(replicas: Replicas, path: str) -> None:
    url = httpx.URL(replicas.urls["leader"])
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.9.9.9\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: "
    kind = JSON if "api" in path else FORM
    with socket.create_connection((url.host, url.port or 80), 5) as leaving:
        leaving.sendall(f"{head}{kind}\r\nContent-Length: 100\r\n\r\nauthor=".encode())
        time.sleep(0.1)
    assert httpx.get(f"{url}/readyz").status_code == 200
    time.sleep(0.1)
    assert not replicas.logged.found, replicas.logged.found[0]


@pytest.mark.parametrize("which", ["leader", "standby"])
def test_no_request_makes_an_error_while_the_database_is_away(replicas: Replicas, which: str) -> None:
    with replicas.database_away(), httpx.Client(base_url=replicas.urls[which], timeout=20) as client:
        for number, path in enumerate(replicas.paths):
            for headers in ({}, BEARER, {**BEARER, "Accept": "text/html"}):
                send(replicas, client, "GET", fill(replicas, path, number, "x"), (None, b""), headers)
        for probe in ("/healthz", "/readyz"):
            began = time.monotonic()
            assert client.get(probe).status_code == 200
            assert time.monotonic() - began < 1.0
        page = client.get(f"/silences?author={which}", headers={**BEARER, "X-Forwarded-For": "10.9.9.9", "Accept": "text/html"})
        assert page.status_code == 503 and "The database cannot be used" in page.text
        fuzz(replicas, client, 30)
    deadline = time.monotonic() + 10
    while httpx.get(f"{replicas.urls[which]}/silences", headers=BEARER).status_code != 200:
        assert time.monotonic() < deadline, "it does not come back"
        time.sleep(0.1)

"""Who gets what: every path, with and without token, from elsewhere and from here; and what no answer ever holds."""

from __future__ import annotations

import asyncio
import base64
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from site_under_test import TOKEN, Site
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from watchdog.web.access import Access
from watchdog.web.connections import Connection
from watchdog.web.middleware import Guard
from watchdog.web.places import Places
from watchdog.web.resource import Asked, Resource
from watchdog.web.server import Server

BEARER = {"Authorization": f"Bearer {TOKEN}"}
NOBODY = "00000000-0000-4000-8000-000000000000"
OPEN = ["/healthz", "/readyz", "/sign-in", "/static/page.css"]
READ = ["/", f"/alerts/{NOBODY}", f"/alerts/{NOBODY}/chart.json", "/rules", "/silences", "/metrics", "/metrics/readings", "/badges/x.svg",
        "/api/v2/status", "/api/v2/receivers", "/api/v2/alerts", "/api/v2/alerts/groups", "/api/v2/silences",
        f"/api/v2/silence/{NOBODY}", "/api/watchdog/v1/openapi.json", "/api/watchdog/v1/status", "/api/watchdog/v1/entities",
        "/api/watchdog/v1/recording", "/api/watchdog/v1/nothing"]  # fmt: skip
CHANGE = [("POST", "/-/reload"), ("POST", "/api/v2/silences"), ("DELETE", f"/api/v2/silence/{NOBODY}"),
          ("POST", f"/api/watchdog/v1/episodes/{NOBODY}/acknowledge"), ("POST", f"/alerts/{NOBODY}/ack"),
          ("POST", "/silences"), ("POST", f"/silences/{NOBODY}/expire"), ("POST", f"/silences/{NOBODY}/extend")]  # fmt: skip


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"x:{password}".encode()).decode()}


#: By name: what is set.
SETTINGS = {
    "loopback": {},
    "loopback, no token": {"WATCHDOG_WEB_TOKEN": ""},
    "elsewhere": {"WATCHDOG_LISTEN": "0.0.0.0:0"},
    "elsewhere, no token": {"WATCHDOG_LISTEN": "0.0.0.0:0", "WATCHDOG_WEB_TOKEN": ""},
    "elsewhere, open": {"WATCHDOG_LISTEN": "0.0.0.0:0", "WATCHDOG_WEB_READ": "open"},
    "public": {"WATCHDOG_PUBLIC_URL": "https://watchdog.example"},
}


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, httpx.Client]]:
    with ExitStack() as closing:
        clients = {}
        for name, env in SETTINGS.items():
            site = closing.enter_context(Site(tmp_path_factory.mktemp("site"), sources=1, **env))
            clients[name] = closing.enter_context(httpx.Client(base_url=site.url.replace("0.0.0.0", "127.0.0.1")))
        yield clients


READING = [
    ("loopback", {}, None), ("loopback, no token", {}, None), ("elsewhere, open", {}, None),
    ("elsewhere", {}, 401), ("elsewhere", BEARER, None), ("elsewhere", basic(TOKEN), None), ("elsewhere", basic("no"), 401),
    ("elsewhere, no token", {}, 403), ("elsewhere, no token", BEARER, 403),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "headers", "refused"), READING)
def test_reading(sites: dict[str, httpx.Client], settings: str, headers: dict[str, str], refused: int | None) -> None:
    for path in READ[:: 5 if headers == basic("no") else 1]:  # each wrong token waits
        status = sites[settings].get(path, headers=headers).status_code
        assert status == refused if refused else status in (200, 404), path
    for path in OPEN:
        assert sites[settings].get(path).status_code == 200, path


def test_a_path_that_leads_nowhere(sites: dict[str, httpx.Client]) -> None:
    """A page for people, a sentence for programs; both say where to go."""
    for settings in SETTINGS:
        page = sites[settings].get("/nowhere", headers={"Accept": "text/html,*/*"})
        assert page.status_code == 404
        assert '<a href="/">What fires now</a>' in page.text
        assert "default-src" in page.headers["content-security-policy"]
        said = sites[settings].get("/nowhere")
        assert (said.status_code, said.text) == (404, "there is nothing at this path; the status page is at /\n")


CHANGING = [
    ("loopback", {}, 401), ("elsewhere", {}, 401), ("elsewhere, open", {}, 401), ("loopback", basic("no"), 401),
    ("loopback, no token", BEARER, 403), ("elsewhere, no token", {}, 403),
    ("loopback", {**BEARER, "Origin": "null"}, 403), ("loopback", {**BEARER, "Origin": "https://evil.example"}, 403),
    ("loopback", {**BEARER, "Origin": "http://127.0.0.1.evil.example"}, 403), ("loopback", {**BEARER, "Origin": "http://[::"}, 403),
    ("loopback", {**BEARER, "Referer": "https://evil.example/page"}, 403), ("loopback", {**BEARER, "Sec-Fetch-Site": "same-site"}, 403),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "headers", "refused"), CHANGING)
def test_changing(sites: dict[str, httpx.Client], settings: str, headers: dict[str, str], refused: int) -> None:
    for method, path in CHANGE[:: 5 if headers == basic("no") else 1]:
        answer = sites[settings].request(method, path, headers=headers)
        assert answer.status_code == refused, path
        assert (answer.status_code == 401) == ("www-authenticate" in answer.headers or "Token" in answer.text), path
        assert sites[settings].get(path, headers={**headers, **BEARER}).status_code in (200, 401, 403, 404, 405), "GET changes nothing"


def test_a_page_of_our_own_may_change_something(sites: dict[str, httpx.Client]) -> None:
    here = str(sites["loopback"].base_url).rstrip("/")
    for origin in ({}, {"Origin": here}, {"Referer": f"{here}/silences"}):
        assert sites["loopback"].post("/-/reload", headers={**BEARER, **origin}).status_code == 200, origin
    behind_a_proxy = {**BEARER, "Origin": "https://watchdog.example"}
    assert sites["public"].post("/-/reload", headers=behind_a_proxy).status_code == 200
    assert sites["loopback"].post("/-/reload", headers=behind_a_proxy).status_code == 403


NAMES = [
    ("an address", "loopback, no token", "10.1.2.3:8080", 200),
    ("localhost", "loopback, no token", "localhost:1234", 200),
    ("an IPv6 address", "loopback, no token", "[::1]:8080", 200),
    ("another site's name for this machine", "loopback, no token", "rebound.evil.example", 403),
    ("the same where there is a token", "loopback", "rebound.evil.example", 401),
    ("no name at all", "loopback, no token", "[", 403),
    ("the address people use", "public", "watchdog.example", 200),
    ("reading was opened on purpose", "elsewhere, open", "monitor.corp.example", 200),
]


@pytest.mark.parametrize(("why", "settings", "host", "status"), NAMES, ids=[row[0] for row in NAMES])
def test_a_name_that_another_site_gave_this_machine_reads_nothing(
    sites: dict[str, httpx.Client], why: str, settings: str, host: str, status: int
) -> None:
    for path in ("/", "/metrics", "/api/v2/alerts", "/api/watchdog/v1/status"):
        assert sites[settings].get(path, headers={"Host": host}).status_code == status, path
    assert sites[settings].get("/healthz", headers={"Host": host}).status_code == 200
    if status != 200 and "no token" not in settings:
        assert sites[settings].get("/metrics", headers={"Host": host, **BEARER}).status_code == 200, "the token is enough"


def test_every_answer_is_guarded_and_none_is_for_other_origins(sites: dict[str, httpx.Client]) -> None:
    paths = [*OPEN, *READ, "/nothing", "/static/nothing", "/api/watchdog/v1/entities?kind=sauce"]
    for path in paths:
        headers = sites["loopback"].get(path, headers={"Origin": "https://evil.example"}).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"], path
        assert headers["referrer-policy"] in ("same-origin", "no-referrer"), path
        assert not [name for name in headers if name.startswith("access-control")], path
        assert "server" not in headers, path
        if not path.startswith("/static/"):
            assert any(word in headers["cache-control"] for word in ("no-store", "no-cache")), path


def test_wrong_tokens_are_slowed_down_and_a_right_one_is_not(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Site(tmp_path_factory.mktemp("slow"), sources=1, WATCHDOG_LISTEN="0.0.0.0:0") as site:
        url = site.url.replace("0.0.0.0", "127.0.0.1")
        assert [httpx.get(f"{url}/metrics", headers=basic(f"guess {n}")).status_code for n in range(5)] == [401] * 5
        began = time.monotonic()
        slowed = httpx.get(f"{url}/api/watchdog/v1/status", headers={"Authorization": "Bearer guess"})
        assert (slowed.status_code, slowed.headers["retry-after"]) == (401, "60")
        assert time.monotonic() - began >= 1.0
        began = time.monotonic()
        assert httpx.post(f"{url}/sign-in", data={"token": "guess"}).status_code == 401
        assert time.monotonic() - began >= 1.0
        assert httpx.get(f"{url}/metrics", headers=BEARER).status_code == 200


PATHS = ["/static/../../access.py", "/static/..%2f..%2faccess.py", "/static/%2e%2e/%2e%2e/access.py", "/static//etc/passwd", "/static/%00",
         "//evil.example/api/v2/alerts/", "/\\evil.example", "/%ff%fe", "/api/watchdog/v1/../../../metrics%00", "/alerts/..%2f",
         "/badges/..%2f..%2fx.svg", "/badges/%00.svg", "/api/v2/silence/..%2fx", "/;/rules", "/api/watchdog/v1/entities/task/%2e%2e/%2e%2e"]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_paths_lead_nowhere_else(sites: dict[str, httpx.Client], path: str) -> None:
    url = sites["loopback"].base_url
    with socket.create_connection((url.host, url.port or 80), 5) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: {url.host}\r\nConnection: close\r\n\r\n".encode("latin-1"))
        answer = b"".join(iter(lambda: raw.recv(65536), b"")).decode("utf-8", "replace")
    status = int(answer.split(" ", 2)[1])
    assert status in (307, 400, 404), answer
    assert "hmac" not in answer and "root:" not in answer
    if status == 307:
        assert f"location: http://{url.host}/" in answer, "a redirect stays here"


def test_huge_headers_and_bodies_are_refused(sites: dict[str, httpx.Client]) -> None:
    client = sites["loopback"]
    assert client.get("/", headers={"X-Much": "a" * 40_000}).status_code in (400, 431)
    assert client.get("/?q=" + "a" * 50_000).status_code in (400, 414, 431)
    json = {"Content-Type": "application/json", **BEARER}
    assert client.post("/api/v2/silences", content=b"[" * 3_000_000, headers=json).status_code == 413
    assert client.post("/api/v2/silences", content=b"[" * 500_000, headers=json).status_code == 400, "nested too deeply"
    assert client.post("/silences", content=b"a=" + b"b" * 100_000, headers={**BEARER, "Content-Type": "application/x-www-form-urlencoded"}).status_code in (400, 413)


class Impatient(Connection):
    within = 0.3


def answers(address: tuple[str, int]) -> None:
    """Until it does."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            assert httpx.get("http://{}:{}/".format(*address)).text == "here"
            return
        except httpx.TransportError:
            continue
    raise AssertionError("nobody is let in")


@pytest.fixture
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    """A server of connections of this kind, with so many places, which answers at once, or after a second."""

    async def slow(request: Request) -> Response:
        await asyncio.sleep(1.0)
        return PlainTextResponse("done")

    async def body(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    def echo(asked: Asked) -> Response:
        return PlainTextResponse(asked.body)

    access = Access(TOKEN, True)
    strict = Resource(access, {"POST": echo}, lambda wrong: PlainTextResponse(f"wrong: {wrong.why}", wrong.status), frozenset({"POST"}))
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("here")), Route("/slow", slow), Route("/healthz", lambda request: PlainTextResponse("ok")),
                            Route("/body", body, methods=["POST"]), strict.route("/strict")],
                    middleware=[Middleware(Guard, access, body_within=0.3)])  # fmt: skip
    kind, places = request.param if isinstance(request.param, tuple) else (request.param, None)
    server = Server(app, "127.0.0.1", 0, kind, places=places and Places(*places))
    server.start()
    answers(server.address)
    yield server.address
    server.stop()


@pytest.mark.parametrize("served", [Impatient], indirect=True)
def test_who_drips_a_request_is_cut_off_and_who_waits_for_an_answer_is_not(served: tuple[str, int]) -> None:
    with socket.create_connection(served, 5) as dripping:
        ended = False
        deadline = time.monotonic() + 5
        while not ended and time.monotonic() < deadline:
            try:
                dripping.sendall(b"G")
                dripping.settimeout(0.05)
                ended = dripping.recv(100) == b""
            except TimeoutError:
                continue
            except OSError:
                ended = True
        assert ended
    assert httpx.get("http://{}:{}/slow".format(*served)).text == "done"


@pytest.mark.parametrize("served", [Connection], indirect=True)
@pytest.mark.parametrize(("path", "said"), [("/body", "the body did not arrive"), ("/strict", "wrong: the body did not arrive")])
def test_who_drips_a_body_is_cut_off(served: tuple[str, int], path: str, said: str) -> None:
    with socket.create_connection(served, 5) as dripping:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
        dripping.sendall(head.encode() + b"1")
        answer = b"".join(iter(lambda: dripping.recv(65536), b"")).decode()
    assert answer.startswith("HTTP/1.1 408") and said in answer and "nosniff" in answer


@pytest.mark.parametrize("served", [Impatient], indirect=True)
def test_a_busy_connection_is_not_cut_and_one_that_drips_its_second_request_is_told_why(served: tuple[str, int]) -> None:
    ask = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(served, 5) as busy:
        for _ in range(20):
            busy.sendall(ask)
            answer = b""
            while not answer.endswith(b"here"):
                answer += busy.recv(65536)
            time.sleep(0.05)  # for longer than three looks
        busy.sendall(ask[:9])
        busy.settimeout(3)
        answer = b"".join(iter(lambda: busy.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 408") and b"connection: close" in answer.lower()


@pytest.mark.parametrize("served", [Connection], indirect=True)
def test_answers_on_a_used_connection_do_not_wait_for_the_clients_acknowledgement(served: tuple[str, int]) -> None:
    """The kernel delays it by 40 ms; every second answer would take as long."""
    taken = []
    with httpx.Client(base_url="http://{}:{}".format(*served)) as client:
        for _ in range(20):
            began = time.monotonic()
            client.get("/")
            taken.append(time.monotonic() - began)
    assert sorted(taken)[5] < 0.035


@pytest.mark.parametrize("served", [(Connection, (4, 4, 2))], indirect=True)
def test_where_it_is_crowded_an_answer_says_that_its_connection_closes(served: tuple[str, int]) -> None:
    with httpx.Client(base_url="http://{}:{}".format(*served)) as client, ExitStack() as closing:
        assert "connection" not in client.get("/").headers
        for _ in range(3):
            closing.enter_context(socket.create_connection(served, 5))
        deadline = time.monotonic() + 5
        while client.get("/").headers.get("connection") != "close":  # the server has to accept them first
            assert time.monotonic() < deadline


@pytest.mark.parametrize("served", [(Connection, (40, 10, 4))], indirect=True)
def test_probes_are_answered_whatever_strangers_hold(served: tuple[str, int]) -> None:
    """Two hundred slow sockets from four addresses, one of them the probes' own, where there is room for forty."""
    with ExitStack() as closing:
        slow = []
        for number in range(200):
            one = closing.enter_context(socket.create_connection(served, 5, (f"127.0.0.{number % 4 + 1}", 0)))
            one.sendall(b"GET / HTTP/1.1\r\nX: ")
            slow.append(one)
            if number % 10 == 0:
                began = time.monotonic()
                assert httpx.get("http://{}:{}/healthz".format(*served)).status_code == 200
                assert time.monotonic() - began < 1.0
        time.sleep(0.05)
        closed = sum(_is_closed(one) for one in slow)
    assert closed >= 160, "who came first gave way"


def _is_closed(one: socket.socket) -> bool:
    one.setblocking(False)
    try:
        return one.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True

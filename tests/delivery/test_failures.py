"""What a target's answer means, over real sockets."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

import pytest
import trustme
from sinks.http import Reply, close, reset

from watchdog.delivery.targets import open_target
from watchdog.errors import DeliveryError

SECRET = "s3cret-path-token"


def failure(carrier, message) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        carrier.send(message)
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("scheme", ["json", "xml", "form"])
@pytest.mark.parametrize(
    ("why", "behaviour", "permanent", "unknown", "retry_after", "says"),
    [
        ("not found is for good", Reply(404, b"no such hook"), True, False, None, "answered 404 Not Found"),
        ("unauthorized is for good", Reply(401, b"who?"), True, False, None, "answered 401 Unauthorized"),
        ("gone is for good", Reply(410), True, False, None, "answered 410 Gone"),
        ("request timeout passes", Reply(408), False, False, None, "answered 408 Request Timeout"),
        ("too many passes and says when", Reply(429, b"", {"Retry-After": "7"}), False, False, 7.0, "answered 429"),
        ("Retry-After may be a date", Reply(503, b"", {"Retry-After": "Tue, 14 Nov 2023 22:13:50 GMT",
                                                       "X-Date": "1"}), False, False, 0.0, "answered 503"),
        ("nonsense in Retry-After is none", Reply(429, b"", {"Retry-After": "soon"}), False, False, None, "429"),
        ("a server's error passes", Reply(500, b"oops"), False, False, None, "answered 500 Internal Server Error"),
        ("a redirect is not followed", Reply(302, b"", {"Location": "/x"}), False, False, None, "redirect"),
        ("a reset passes", reset, False, False, None, "reset"),
        ("a close passes", close, False, False, None, "closed"),
    ],
)  # fmt: skip
def test_an_answer_has_a_meaning(webhook_sink, message, scheme, why, behaviour, permanent, unknown, retry_after, says):
    webhook_sink.script(behaviour)
    error = failure(open_target("team", "t", f"{scheme}://{webhook_sink.url}/{SECRET}"), message())
    assert (error.permanent, error.unknown, error.retry_after) == (permanent, unknown, retry_after), str(error)
    assert says in str(error)
    assert len(webhook_sink.received) == 1
    assert str(error).startswith(f"{scheme}://127.0.0.1/…: ")


def a_gone_port() -> int:
    """A port at which nobody listens any more."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        return int(gone.getsockname()[1])


@pytest.fixture
def mute():
    """A server that accepts and says nothing, so that no greeting and no TLS comes about."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def stranger():
    """A TLS server whose certificate nobody here trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
                        secure.recv(1)

        threading.Thread(target=greet, daemon=True).start()
        yield server.getsockname()[1]


LOST = [
    ("json://127.0.0.1:{gone}/x", "the connection was refused"),
    ("mailto://u:password@127.0.0.1:{gone}?from=w@example.org&to=o@example.org", "the connection was refused"),
    ("mailtos://u:password@127.0.0.1:{gone}?from=w@example.org&to=o@example.org", "the connection was refused"),
    ("json://nobody.invalid/x", "its name cannot be resolved"),
    ("mailtos://u:password@nobody.invalid?from=w@example.org&to=o@example.org", "its name cannot be resolved"),
    ("jsons://127.0.0.1:{mute}/x?cto=0.3", "no connection in time"),
    ("mailtos://u:password@127.0.0.1:{mute}?from=w@example.org&to=o@example.org&cto=0.3", "no connection in time"),
    ("jsons://127.0.0.1:{stranger}/x", "its certificate was refused: unable to get local issuer certificate"),
    ("mailtos://u:password@127.0.0.1:{stranger}?mode=ssl&from=w@example.org&to=o@example.org",
     "its certificate was refused: unable to get local issuer certificate"),
    ("jsons://127.0.0.1:{plain}/x", "TLS failed: "),
]  # fmt: skip


@pytest.mark.parametrize(("url", "says"), LOST)
def test_what_kept_a_connection_from_coming_about_is_told_apart(webhook_sink, message, mute, stranger, url, says):
    where = {"gone": a_gone_port(), "mute": mute, "stranger": stranger, "plain": webhook_sink.port}
    error = failure(open_target("team", "t", url.format(**where)), message())
    assert (error.permanent, error.unknown) == (False, False)
    assert str(error).split(": ", 1)[1].startswith(says)
    # one cause, and only that one
    assert sum(words in str(error) for words in ("refused", "resolved", "in time", "TLS")) == 1


def test_a_proxy_that_is_not_there_is_named_as_what_is_missing(tls_sinks, monkeypatch, message):
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{a_gone_port()}")
    error = failure(open_target("team", "t", tls_sinks.SLACK_URL), message())
    assert (error.permanent, error.unknown) == (False, False)
    assert str(error) == "slack://…: its proxy: the connection was refused"


def test_a_proxy_that_does_not_let_it_through_says_so(tls_sinks, monkeypatch, message):
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def refuse() -> None:
            connection, _ = proxy.accept()
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            connection.close()

        threading.Thread(target=refuse, daemon=True).start()
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        error = failure(open_target("team", "t", tls_sinks.SLACK_URL), message())
    assert str(error) == "slack://…: its proxy: the connection failed: Tunnel connection failed: 403 Forbidden"

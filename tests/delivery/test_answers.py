"""What a target's answer means, over real sockets."""

from __future__ import annotations

import pytest
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

"""Targets: what a URL is worth, how long a send may take, and what is kept from the logs."""

from __future__ import annotations

import io
import logging
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest
from sinks.http import drip, hang

from watchdog.delivery.redaction import Secrets, written_out
from watchdog.delivery.targets import check_url, open_target, target_of
from watchdog.errors import DeliveryError


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", None),
        ("json://127.0.0.1:8000/hook", None),
        ("mailto://user:password@example.org", None),
        ("slak://a/b/c", "did you mean slack://?"),
        ("https://example.org/hook", "did you mean jsons://?"),
        ("hooks.example.org", "it is no URL"),
        ("tgram://not-a-token/1", "apprise refuses this tgram:// URL"),
        ("slack://T1JJ3T3L2", "; write e.g. slack://TOKEN_A/TOKEN_B/TOKEN_C"),
        ("pagerduty://key", "; write e.g. pagerduty://INTEGRATIONKEY@APIKEY"),
        ("mailtos://", "; write e.g. mailtos://user:password@smtp.example.com?to=team@example.com"),
    ],
)
def test_a_url_is_checked(url, says):
    refused = check_url(url)
    assert refused is None if says is None else says in (refused or "")
    if refused:
        with pytest.raises(ValueError, match=r".+"):
            open_target("team", "t", url)


def test_a_target_is_its_receiver_and_its_url_before_expansion():
    one = target_of("team", "${HOOK}", "json://127.0.0.1/secret-one")
    rotated = target_of("team", "${HOOK}", "json://127.0.0.1/secret-two")
    assert one == rotated
    assert one.id != target_of("lead", "${HOOK}", "json://127.0.0.1/secret-one").id
    assert one.label == "json://127.0.0.1/…"


def test_secrets_are_struck_out_of_any_text():
    known = Secrets()
    known.add_url("mailtos://user:pass%2Fword@example.org?to=ops@example.org")
    known.add_url("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ")
    text = known.scrub("pass/word pass%2Fword /services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ example.org")
    assert text == "*** *** /services/***/*** example.org"


@pytest.mark.parametrize(
    ("template", "secret"),
    [
        ("${SLACK_URL}", False),
        ("slack://${TOKEN}/#alerts", False),
        ("json://127.0.0.1:8000/hooks/team/blue", False),
        ("mailto://relay.example.org?from=watchdog@example.org&to=oncall@example.org", False),
        ("json://user:short@127.0.0.1/hook", True),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", True),
        ("pagerduty://routingkey0123456789@apikey0123456789", True),
    ],
)
def test_a_secret_that_stands_in_the_rules_is_seen(template, secret):
    assert written_out(template) is secret


@pytest.mark.parametrize(
    ("url", "text", "shown"),
    [
        ("json://10.1.1.1/hooks/team-alerts", "receiver team-alerts failed", "receiver team-alerts failed"),
        ("json://watch:winter@10.1.1.1/hook", "winter is refused", "*** is refused"),
        ("json://10.1.1.1/hook?token=winter&x-from=watchdog", "winter is refused by watchdog", "*** is refused by watchdog"),
        ("slack://watchdog@T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "watchdog: T1JJ3T3L2", "watchdog: ***"),
        ("json://10.1.1.1/hooks/9f8e7d6c5b4a", "no hook 9f8e7d6c5b4a", "no hook ***"),
    ],
)
def test_only_credentials_are_redacted(url, text, shown):
    secrets = Secrets()
    secrets.add_url(url)
    assert secrets.scrub(text) == shown


@pytest.mark.parametrize("behaviour", [hang, drip])
def test_no_server_holds_a_send_longer_than_its_limit(webhook_sink, message, behaviour):
    webhook_sink.script(behaviour)
    began = time.monotonic()
    with pytest.raises(DeliveryError) as caught:
        open_target("team", "t", f"json://{webhook_sink.url}/x", within=0.7).send(message())
    assert time.monotonic() - began < 3
    assert (caught.value.permanent, caught.value.unknown) == (False, True)


def test_what_was_given_up_before_it_left_never_leaves(tls_sinks, message):
    """It is tried again, so it must not arrive late as well."""
    arrived: list[bytes] = []
    go_on = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def late() -> None:
            raw, _ = server.accept()
            go_on.wait(10)
            assert tls_sinks.tls is not None
            try:
                with tls_sinks.tls.wrap_socket(raw, server_side=True) as connection:
                    connection.settimeout(5)
                    arrived.append(connection.recv(100))
            except (ssl.SSLError, OSError):
                arrived.append(b"")

        thread = threading.Thread(target=late)
        thread.start()
        url = f"jsons://127.0.0.1:{server.getsockname()[1]}/x"
        with pytest.raises(DeliveryError) as caught:
            open_target("team", "t", url, within=0.5).send(message())
        assert (caught.value.permanent, caught.value.unknown) == (False, False)
        go_on.set()
        thread.join(10)
    assert arrived == [b""]


def test_a_hanging_send_does_not_hold_the_end_of_the_process(webhook_sink):
    webhook_sink.script(hang)
    code = f"""
from watchdog.delivery.targets import open_target
from watchdog.notify.message import Message, MessageKind
try:
    carrier = open_target("team", "t", "json://{webhook_sink.url}/x", within=0.3)
    carrier.send(Message("1", MessageKind.TEST, "team", "t"))
except Exception as error:
    print(error)
"""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    assert time.monotonic() - began < 8
    assert "no answer in time" in done.stdout


def test_apprise_says_nothing_by_itself_of_a_url_it_does_not_know():
    """Its records hold pieces of URLs; in a process of its own, because nothing has asked for its logger yet."""
    code = (
        "import logging; logging.basicConfig(level=0)\n"
        "from watchdog.delivery.targets import target_of\n"
        "try:\n    target_of('team', 't', 'nobody://s3cret-token/x')\n"
        "except LookupError:\n    print('unknown')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "unknown"
    assert "nobody" not in done.stderr and "Unparseable" not in done.stderr


def test_asking_for_targets_does_not_import_apprise():
    code = "import sys, watchdog.delivery.targets; print('apprise' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_nothing_secret_reaches_the_logs_and_no_send_sleeps(tls_sinks, message):
    """Watched on the root logger by hand: pytest's own handler listens to loggers that tell nobody else."""
    seen = io.StringIO()
    handler, root = logging.StreamHandler(seen), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    began = time.monotonic()
    try:
        for url in (tls_sinks.SLACK_URL, tls_sinks.PAGERDUTY_URL):
            carrier = open_target("team", "t", url)
            carrier.send(message())
            carrier.send(message(id="8"))
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
    assert time.monotonic() - began < 2
    assert len(tls_sinks.received) == 4
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in seen.getvalue()
    assert "routingkey" not in seen.getvalue()

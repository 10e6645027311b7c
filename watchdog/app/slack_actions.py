"""Buttons in Slack: what people press there counts here, in their name. Socket Mode: the connection goes out only."""

from __future__ import annotations

import logging
import threading
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from watchdog.delivery.slack_threads import ACKNOWLEDGE, SILENCE, SlackThreads
from watchdog.errors import StoreError
from watchdog.store import responses
from watchdog.store.audit import Actor, Via

logger = logging.getLogger(__name__)

_SILENCE_FOR = 3600.0
#: Seconds before another try to connect: the first, and the longest.
_FIRST, _LONGEST = 5.0, 300.0


class SlackActions:
    """Listens with an app-level token (`xapp-…`) until it is stopped; slack-sdk connects again by itself."""

    def __init__(self, token: str, watched: responses.Watchdog, clock: Callable[[], float]) -> None:
        self._token, self._watched, self._clock = token, watched, clock
        self._stop = threading.Event()
        self._socket: Any = None
        self._thread = threading.Thread(target=self._run, name="slack-actions", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._socket is not None:
            self._socket.close()

    def pressed(self, payload: dict[str, Any]) -> str:
        """Do what a button asks for; what its presser is told, "" for nothing. The payload is Slack's `block_actions`:
        https://docs.slack.dev/reference/interaction-payloads/block_actions-payload"""
        user = payload.get("user") or {}
        name = str(user.get("username") or user.get("name") or user.get("id") or "somebody in Slack")
        by = Actor(name[:200], Via.SLACK)
        pressed = payload.get("actions", ())
        said = [self._do(str(one.get("action_id")), str(one.get("value", "")), by) for one in pressed]
        return " ".join(text for text in said if text)

    def _do(self, action: str, value: str, by: Actor) -> str:
        if action not in (ACKNOWLEDGE, SILENCE):
            return ""
        now, done = self._clock(), 0
        try:
            for episode in filter(None, value.split(",")):
                if action == ACKNOWLEDGE:
                    done += responses.acknowledge(self._watched, episode, by, now) is not None
                else:
                    done += responses.silence(self._watched, episode, by, _SILENCE_FOR, now) is not None
        except (StoreError, ValueError) as cause:
            logger.warning("a button in Slack could not be followed", extra={"action": action, "error": str(cause)})
            return f"This did not work: {cause}"
        return "" if done else "This alert does not fire any more."

    # -- the connection

    def _run(self) -> None:
        pause = _FIRST
        while not self._stop.is_set():
            try:
                self._socket = _socket(self._token)
                self._socket.socket_mode_request_listeners.append(self._answer)
                self._socket.connect()
                if not self._socket.is_connected():
                    raise ConnectionError("the connection was not established")
            except Exception as cause:
                error = getattr(cause, "response", {}).get("error") or type(cause).__name__
                if self._socket is not None:
                    self._socket.close()
                logger.warning("Slack's Socket Mode cannot be reached; buttons do nothing until it can",
                               extra={"error": str(error)})  # fmt: skip
                self._stop.wait(pause)
                pause = min(2 * pause, _LONGEST)
            else:
                logger.info("buttons in Slack work")
                return

    def _answer(self, client: Any, request: Any) -> None:
        """Slack waits three seconds for the acceptance, so that goes first."""
        from slack_sdk.socket_mode.response import SocketModeResponse

        client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
        payload = request.payload
        if request.type != "interactive" or payload.get("type") != "block_actions":
            return
        said = self.pressed(payload)
        if said and (url := payload.get("response_url")):
            _tell(url, said)


def _socket(token: str) -> Any:
    """A client whose proxy is chosen for each address; slack-sdk itself reads HTTPS_PROXY and not NO_PROXY."""
    from slack_sdk.socket_mode.builtin.client import SocketModeClient

    class Socket(SocketModeClient):
        def issue_new_wss_url(self) -> str:
            url = super().issue_new_wss_url()
            host = urlsplit(url).hostname or ""
            self.proxy = None if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get("https")
            return url

    quiet = logging.getLogger("slack_sdk.socket_mode")
    quiet.setLevel(logging.ERROR)  # its lines below that hold addresses with tickets
    return Socket(token, logger=quiet, web_client=SlackThreads.client(""), concurrency=2)


def _tell(url: str, text: str) -> None:
    from slack_sdk.webhook import WebhookClient

    try:
        client = SlackThreads.client("")
        WebhookClient(url, timeout=10, ssl=client.ssl, proxy=client.proxy).send(
            text=text, response_type="ephemeral", replace_original=False
        )
    except Exception as cause:
        logger.info("Slack did not take an answer to a button", extra={"error": type(cause).__name__})

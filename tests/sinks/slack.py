"""A Slack workspace of its own: channels, threads, edits, history and the documented limits, behind real TLS."""

from __future__ import annotations

import json
import queue
import threading
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from websockets.sync.server import Server, ServerConnection, serve

from sinks.http import Behaviour, Reply, Request, TlsSinks

_BLOCKS, _SECTION, _HEADER = 50, 3000, 150


class SlackWorkspace(TlsSinks):
    """Answers chat.postMessage, chat.update, conversations.history and conversations.list as Slack documents them."""

    HOSTS = (*TlsSinks.HOSTS, "wss-primary.slack.com")
    CHANNELS: ClassVar = {"#alerts": "C01ALERTS", "#first": "C02FIRST", "#second": "C03SECOND"}

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.messages: dict[str, list[dict[str, Any]]] = {one: [] for one in self.CHANNELS.values()}
        self.no_history = False  #: the bot lacks the scope
        self._number = 0
        self.answers: queue.Queue[dict[str, Any]] = queue.Queue()  #: of the app to what was pressed
        self._apps: list[ServerConnection] = []
        self._socket: Server | None = None

    def roots(self, channel: str = "C01ALERTS") -> list[dict[str, Any]]:
        return [one for one in self.messages[channel] if "thread_ts" not in one]

    def replies(self, channel: str = "C01ALERTS") -> list[dict[str, Any]]:
        return [one for one in self.messages[channel] if "thread_ts" in one]

    def delete(self, ts: str, channel: str = "C01ALERTS") -> None:
        self.messages[channel] = [one for one in self.messages[channel] if one["ts"] != ts]

    def press(self, action: str, value: str, user: str) -> None:
        """Somebody presses a button; every connected app hears of it as Slack tells it."""
        payload = {
            "type": "block_actions",
            "user": {"id": "U1", "username": user, "name": user},
            "actions": [{"type": "button", "action_id": action, "value": value}],
            "response_url": "https://hooks.slack.com/actions/T1/1/x",
        }
        envelope = {"envelope_id": f"e{self._number}", "type": "interactive", "payload": payload,
                    "accepts_response_payload": True}  # fmt: skip
        for app in self._apps:
            app.send(json.dumps(envelope))

    @property
    def connected(self) -> bool:
        return bool(self._apps)

    def stop(self) -> None:
        if self._socket is not None:
            self._socket.shutdown()
        super().stop()

    def _apps_connections_open(self, said: dict[str, Any]) -> dict[str, Any]:
        if self._socket is None:
            self._socket = serve(self._talk, "127.0.0.1", 0, ssl=self.tls)
            threading.Thread(target=self._socket.serve_forever, daemon=True).start()
            self.tunnels["wss-primary.slack.com"] = self._socket.socket.getsockname()[1]
        return {"ok": True, "url": "wss://wss-primary.slack.com/link/?ticket=secret-ticket"}

    def _talk(self, app: ServerConnection) -> None:
        app.send(json.dumps({"type": "hello", "num_connections": 1}))
        self._apps.append(app)
        for text in app:
            self.answers.put(json.loads(text))
        self._apps.remove(app)

    def default_for(self, request: Request) -> Behaviour:
        if request.host != "slack.com":
            return super().default_for(request)
        method = urlsplit(request.path).path.removeprefix("/api/")
        said = self._arguments(request)
        answer = getattr(self, "_" + method.replace(".", "_"))(said)
        return Reply(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    @staticmethod
    def _arguments(request: Request) -> dict[str, Any]:
        if request.headers.get("Content-Type", "").startswith("application/json"):
            return dict(json.loads(request.body))
        query = request.body.decode() or urlsplit(request.path).query
        return {name: values[0] for name, values in parse_qs(query).items()}

    def _chat_postMessage(self, said: dict[str, Any]) -> dict[str, Any]:
        channel = self.CHANNELS.get(said["channel"], said["channel"])
        if channel not in self.messages:
            return {"ok": False, "error": "channel_not_found"}
        if wrong := _refused(said):
            return wrong
        if "thread_ts" in said and said["thread_ts"] not in {one["ts"] for one in self.messages[channel]}:
            return {"ok": False, "error": "thread_not_found"}
        self._number += 1
        ts = f"17000{self._number:05}.000100"
        self.messages[channel].append({**said, "channel": channel, "ts": ts})
        return {"ok": True, "channel": channel, "ts": ts}

    def _chat_update(self, said: dict[str, Any]) -> dict[str, Any]:
        for one in self.messages.get(said["channel"], ()):
            if one["ts"] == said["ts"]:
                if wrong := _refused(said):
                    return wrong
                one.update(attachments=said["attachments"], edits=one.get("edits", 0) + 1)
                return {"ok": True, "channel": said["channel"], "ts": said["ts"]}
        return {"ok": False, "error": "message_not_found"}

    def _conversations_history(self, said: dict[str, Any]) -> dict[str, Any]:
        if self.no_history:
            return {"ok": False, "error": "missing_scope"}
        roots = [one for one in self.messages[said["channel"]] if "thread_ts" not in one]
        return {"ok": True, "messages": roots[::-1][: int(said["limit"])]}

    def _conversations_list(self, said: dict[str, Any]) -> dict[str, Any]:
        if self.no_history:
            return {"ok": False, "error": "missing_scope"}
        found = [{"id": id_, "name": name[1:]} for name, id_ in self.CHANNELS.items()]
        return {"ok": True, "channels": found, "response_metadata": {"next_cursor": ""}}


def _refused(said: dict[str, Any]) -> dict[str, Any] | None:
    blocks = [block for one in said["attachments"] for block in one["blocks"]]
    too_long = any(
        len(block.get("text", {}).get("text", "")) > (_HEADER if block["type"] == "header" else _SECTION)
        for block in blocks
    )
    return {"ok": False, "error": "invalid_blocks"} if len(blocks) > _BLOCKS or too_long else None

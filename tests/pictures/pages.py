"""Pages: what arrived, as HTML that shows it the way its reader's program does. An honest imitation, not a copy: it
decodes and lays out exactly what was sent, so that what is wrong there is wrong in the picture, too."""

from __future__ import annotations

import base64
import json
import re
from email.message import EmailMessage
from html import escape, unescape
from typing import Any

_FRAME = """<!DOCTYPE html><html><head><meta charset="utf-8"><style>
* {{ box-sizing: border-box }}
body {{ margin: 0; padding: 14px; background: {ground}; color: #1d1c1d; width: {width}px;
  font: 15px/1.46 "DejaVu Sans", "Noto Color Emoji", sans-serif; overflow-wrap: anywhere }}
{style}
</style></head><body>{inside}</body></html>"""
_SLACK = """
.post { display: flex; gap: 10px } .face { flex: none; width: 36px; height: 36px; border-radius: 6px;
  background: #1d2733; color: #fff; font-weight: bold; text-align: center; line-height: 36px }
.who { font-weight: bold } .app { font-size: 10px; background: #e4e4e4; color: #616061; padding: 1px 3px;
  border-radius: 2px; margin-left: 4px } .body { flex: 1; min-width: 0 }
.attachment { border-left: 4px solid var(--colour); border-radius: 4px; padding-left: 12px; margin-top: 4px }
.header { font-size: 18px; font-weight: bold; margin: 4px 0 8px } .section { margin: 8px 0 }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 16px; margin: 8px 0 }
.context { font-size: 12.5px; color: #616061; margin: 6px 0 } .context > div { display: inline; margin-right: 8px }
.divider { border-top: 1px solid #ddd; margin: 10px 0 } code { font-family: "DejaVu Sans Mono"; font-size: 12px;
  background: #f6f6f6; border: 1px solid #ddd; border-radius: 3px; padding: 0 3px; color: #c01343 }
pre { font: 12px "DejaVu Sans Mono"; background: #f6f6f6; border: 1px solid #ddd; border-radius: 4px; padding: 8px;
  margin: 4px 0; white-space: pre-wrap } .text { white-space: pre-wrap } a { color: #1264a3; text-decoration: none }
"""
_PAGERDUTY = """
.card { background: #fff; border: 1px solid #d4d4d4; border-radius: 4px; padding: 14px 16px }
.state { font-size: 12px; letter-spacing: .04em; text-transform: uppercase; color: #fff; border-radius: 3px;
  padding: 2px 7px; background: #b12704 } .resolve .state { background: #067d3c }
.key { float: right; font: 11px "DejaVu Sans Mono"; color: #6d6d6d } h1 { font-size: 17px; margin: 10px 0 12px }
table { border-collapse: collapse; width: 100%; font-size: 13px } td { padding: 4px 8px; vertical-align: top;
  border-top: 1px solid #ececec; white-space: pre-wrap } td:first-child { width: 130px; color: #5a5a5a }
h2 { font-size: 12px; text-transform: uppercase; letter-spacing: .04em; color: #6d6d6d; margin: 14px 0 4px }
a { color: #0b6fb8 }
"""
_MAIL = """
.head { background: #f3f4f6; border: 1px solid #d9dce1; border-bottom: 0; padding: 8px 12px; font-size: 12.5px;
  color: #57606a } .head b { color: #1d1c1d; font-size: 14px } .mail { border: 1px solid #d9dce1; padding: 12px }
pre { margin: 0; font: 13px/1.45 "DejaVu Sans Mono", "Noto Color Emoji", monospace; white-space: pre-wrap }
"""


def slack(payload: Any, width: int) -> str:
    """A post in Slack: its attachments, block by block."""
    shown = "".join(
        f'<div class="attachment" style="--colour:{escape(one["color"])}">{"".join(map(_block, one["blocks"]))}</div>'
        for one in payload["attachments"]
    )
    post = (
        f'<div class="post"><div class="face">w</div><div class="body"><span class="who">watchdog</span>'
        f'<span class="app">APP</span>{shown}</div></div>'
    )
    return _framed(post, _SLACK, width)


def pagerduty(event: Any, width: int) -> str:
    """An incident with what its event says; a resolve has nothing but its key."""
    action, payload = event["event_action"], event.get("payload")
    state = {"trigger": "triggered", "resolve": "resolved"}[action]
    inside = f'<span class="key">{escape(event["dedup_key"])}</span><span class="state">{state}</span>'
    if payload is None:
        inside += "<h1>(the incident of this key is resolved; the event says nothing else)</h1>"
    else:
        told = {name: payload[name] for name in ("severity", "source", "component", "class", "group") if name in payload}
        inside += f"<h1>{escape(payload['summary'])}</h1>{_table(told)}"
        inside += f"<h2>Details</h2>{_table(payload.get('custom_details', {}))}"
        links = [*event.get("links", []), *([{"href": event["client_url"]}] if "client_url" in event else [])]
        if links:
            shown = "<br>".join(f'<a href="#">{escape(link.get("text", link["href"]))}</a>' for link in links)
            inside += f"<h2>Links</h2>{shown}"
    return _framed(f'<div class="card {action}">{inside}</div>', _PAGERDUTY, width, ground="#f0f0ee")


def mail(message: EmailMessage, width: int) -> str:
    """The HTML part in its mail program, its picture in its place."""
    body = message.get_body(("html",))
    assert body is not None
    html = body.get_content()
    for part in message.walk():
        if name := (part["Content-ID"] or "").strip("<>"):
            data = base64.b64encode(part.get_payload(decode=True)).decode()  # type: ignore[arg-type]
            html = html.replace(f"cid:{name}", f"data:{part.get_content_type()};base64,{data}")
    inside = re.sub(r"(?s)^.*?<body([^>]*)>(.*)</body>.*$", r"<div\1>\2</div>", html)
    return _framed(f'{_mail_head(message)}<div class="mail">{inside}</div>', _MAIL, width)


def mail_text(message: EmailMessage, width: int) -> str:
    """The text part, for who reads mails without HTML."""
    body = message.get_body(("plain",))
    assert body is not None
    return _framed(
        f'{_mail_head(message)}<div class="mail"><pre>{escape(body.get_content())}</pre></div>', _MAIL, width
    )


def webhook(payload: Any, width: int) -> str:
    text = json.dumps(payload, indent=2, ensure_ascii=False)
    return _framed(f"<pre>{escape(text)}</pre>", _MAIL, width)


def _framed(inside: str, style: str, width: int, ground: str = "#fff") -> str:
    return _FRAME.format(inside=inside, style=style, width=width, ground=ground)


def _mail_head(message: EmailMessage) -> str:
    return (
        f'<div class="head"><b>{escape(message["Subject"])}</b><br>From {escape(message["From"])} '
        f"to {escape(message['To'])}</div>"
    )


def _table(rows: dict[str, Any]) -> str:
    cells = "".join(f"<tr><td>{escape(str(name))}</td><td>{escape(str(text))}</td></tr>" for name, text in rows.items())
    return f"<table>{cells}</table>"


def _block(block: dict[str, Any]) -> str:
    kind = block["type"]
    if kind == "divider":
        return '<div class="divider"></div>'
    if kind == "context":
        return f'<div class="context">{"".join(f"<div>{_words(one)}</div>" for one in block["elements"])}</div>'
    shown = f'<div class="{kind}">{_words(block["text"])}</div>' if "text" in block else ""
    if "fields" in block:
        shown += f'<div class="fields">{"".join(f"<div>{_words(one)}</div>" for one in block["fields"])}</div>'
    return shown


def _words(text: dict[str, Any]) -> str:
    """Slack's two kinds of text. In plain ones only entities are read; in the other also *bold*, `code`, blocks of it and links."""
    raw = text["text"]
    if text["type"] == "plain_text":
        return f'<span class="text">{escape(unescape(raw))}</span>'
    if raw.startswith("```") and raw.endswith("```"):
        return f"<pre>{escape(unescape(raw.strip('`')))}</pre>"
    shown = escape(unescape(re.sub(r"<([^|>]+)\|([^>]+)>", "\x02\\1\x03\\2\x04", raw)))
    shown = re.sub("\x02([^\x03]+)\x03([^\x04]+)\x04", r'<a href="\1">\2</a>', shown)
    shown = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", shown)
    shown = re.sub(r"(?<!\w)\*([^*\n]+)\*(?!\w)", r"<b>\1</b>", shown)
    return f'<span class="text">{shown}</span>'

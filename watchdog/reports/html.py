"""A report as one HTML page that mail programs show: tables, inline styles, bars of coloured cells, no other file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from itertools import starmap

from watchdog.alerts.mutes import NIGHT
from watchdog.reports.report import Report, RuleLine
from watchdog.reports.text import (
    MOST_RULES,
    NIGHT_HOURS,
    counted,
    days_shown,
    local,
    median_of,
    period_of,
    remarks,
    sections,
    summary,
    title_of,
    unacknowledged,
)

_INK, _FAINT, _LINE, _PAGE, _PAPER = "#1d2733", "#5b6876", "#d5dbe3", "#f3f5f8", "#ffffff"
_DAY, _NIGHT = "#7aa7d6", "#2b3f63"
_SEVERITY = {"critical": "#c0353f", "warning": "#b7791f", "info": "#4a6fa5"}
_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_TABLE = 'cellpadding="0" cellspacing="0" border="0" role="presentation" style="border-collapse:collapse;width:100%"'
#: Pixels of the tallest bar.
_TALLEST = 48


def html_page(
    report: Report, *, because: str = "", sent_by: str = "", links: Mapping[str, str] | None = None
) -> str:
    """The whole page; it fits a phone and needs no script. `because` says why it comes where that is not plain,
    `links` are addresses by their names."""
    parts = [
        _small(escape(f"Sent because {because}")) if because else "",
        _tiles(report),
        f'<p style="margin:12px 0 0">{escape(" ".join(summary(report)))}</p>',
        *_charts(report),
        *_rules(report),
        *_receivers(report),
        *(part for heading, lines in sections(report) for part in (_heading(heading), _list(lines))),
        _small(" &middot; ".join([escape(sent_by), *starmap(_link, (links or {}).items())])) if sent_by else "",
    ]
    body = "\n".join(part for part in parts if part)
    title = escape(f"Watchdog report: {title_of(report)}")
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light"><title>{title}</title></head>
<body style="margin:0;padding:16px;background:{_PAGE};color:{_INK};{_FONT};font-size:14px;line-height:1.45">
<table align="center" cellpadding="0" cellspacing="0" border="0" role="presentation" bgcolor="{_PAPER}"
 style="border-collapse:collapse;width:100%;max-width:720px;margin:0 auto;background:{_PAPER};border:1px solid {_LINE}">
<tr><td style="padding:20px 24px">
<h1 style="margin:0;font-size:20px;line-height:1.3">Watchdog report</h1>
<p style="margin:2px 0 14px;color:{_FAINT}">{escape(period_of(report))}</p>
{body}
</td></tr></table>
</body></html>
"""


def _tiles(report: Report) -> str:
    resolved = f"{report.ended_unacknowledged} of {report.ended_notified}" if report.ended_notified else "-"
    tiles = (
        (str(report.episodes), "alerts fired"),
        (str(report.pages), "pages"),
        (str(report.pages_at_night), "pages at night"),
        (resolved, "resolved without an acknowledgement"),
    )
    cells = "".join(
        f'<td width="25%" valign="top" style="padding:10px 8px;border-top:3px solid {_DAY}">'
        f'<div style="font-size:24px;font-weight:600;line-height:1.1">{escape(number)}</div>'
        f'<div style="font-size:12px;color:{_FAINT}">{words}</div></td>'
        for number, words in tiles
    )
    return f'<table {_TABLE}><tr>{cells}</tr></table>'


def _charts(report: Report) -> Iterator[str]:
    if not report.rules:
        return
    yield _heading("Pages by day")
    yield (f'<p style="margin:0 0 6px;font-size:12px;color:{_FAINT}">{_swatch(_NIGHT)} at night ({NIGHT_HOURS}) '
           f"&nbsp; {_swatch(_DAY)} in the daytime</p>")  # fmt: skip
    most = max(1, *(one.pages for one in report.days))
    rows = []
    for one in days_shown(report):
        bar = _bar(((one.pages_at_night, _NIGHT), (one.pages - one.pages_at_night, _DAY)), most)
        rows.append(
            f'<tr><td width="84" nowrap style="padding:2px 8px 2px 0;font-size:12px;color:{_FAINT};white-space:nowrap">'
            f'{one.day:%a %d %b}</td><td width="100%">{bar}</td>'
            f'<td align="right" nowrap style="padding:2px 0 2px 8px;font-size:12px;white-space:nowrap">'
            f"{counted(one.pages, 'page')}, {counted(one.episodes, 'alert')}</td></tr>"
        )
    yield f'<table {_TABLE}>{"".join(rows)}</table>'
    if report.pages:
        yield _heading("Pages by hour of the day")
        yield _hours(report)


def _bar(parts: Iterable[tuple[int, str]], most: int) -> str:
    """Coloured cells side by side; the whole width is `most`."""
    filled = [(count, colour) for count, colour in parts if count]
    total = sum(count for count, _ in filled)
    cells = "".join(
        f'<td bgcolor="{colour}" width="{count / total:.0%}" height="12" '
        f'style="background:{colour};font-size:0;line-height:12px">&nbsp;</td>'
        for count, colour in filled
    )
    table = f'<table cellpadding="0" cellspacing="0" border="0" role="presentation" width="{total / most:.0%}">'
    return f"{table}<tr>{cells}</tr></table>" if filled else ""


def _hours(report: Report) -> str:
    most = max(report.hours)
    bars, clock = "", ""
    some_day = local(report.start, report).replace(minute=0)
    for hour, count in enumerate(report.hours):
        colour = _NIGHT if NIGHT.covers(some_day.replace(hour=hour)) else _DAY
        bars += f'<td valign="bottom" align="center" width="4%" height="{_TALLEST + 16}" style="padding:0 1px">'
        bars += f"{_column(count, most, colour)}</td>"
        words = f"{hour:02}" if hour % 3 == 0 else "&nbsp;"
        clock += f'<td align="center" style="font-size:10px;color:{_FAINT};border-top:1px solid {_LINE}">{words}</td>'
    return f"<table {_TABLE}><tr>{bars}</tr><tr>{clock}</tr></table>"


def _column(count: int, most: int, colour: str) -> str:
    """A bar that stands, with its number on it; nothing for none."""
    if not count:
        return ""
    height = max(2, round(count / most * _TALLEST))
    style = f"height:{height}px;background:{colour};font-size:0;line-height:0"
    bar = f'<table {_TABLE}><tr><td bgcolor="{colour}" height="{height}" style="{style}">&nbsp;</td></tr></table>'
    return f'<div style="font-size:10px;color:{_FAINT}">{count}</div>{bar}'


def _rules(report: Report) -> Iterator[str]:
    if not report.rules:
        return
    shown = report.rules[:MOST_RULES]
    yield _heading("Rules, the noisiest first")
    head = _head(("episodes", "pages", "at night", "no ack", "to ack", "to end"), left=False)
    yield f'<table {_TABLE}>{head}{"".join(map(_rule, shown))}</table>'
    more = f"{counted(len(report.rules) - len(shown), 'more rule')} fired. " if len(report.rules) > len(shown) else ""
    yield (f'<p style="margin:6px 0;font-size:12px;color:{_FAINT}">{more}no ack: resolved before anybody acknowledged; '
           "to ack, to end: medians.</p>")  # fmt: skip


def _rule(line: RuleLine) -> str:
    colour = _SEVERITY.get(line.severity, _FAINT)
    numbers = (line.episodes, line.pages, line.pages_at_night, unacknowledged(line), median_of(line.to_acknowledge),
               median_of(line.to_end))  # fmt: skip
    *said, last = remarks(line)
    advice = f'<div style="color:{_INK}"><b>{escape(last)}</b></div>' if line.advice else f"<div>{escape(last)}</div>"
    words = "".join(f"<div>{escape(one)}</div>" for one in said) + advice
    edge = f"border-top:1px solid {_LINE}"
    name = (f'<td colspan="6" style="padding:6px 0 0;{edge};word-break:break-word"><b>{escape(line.alert)}</b> '
            f'<span style="font-size:12px;color:{colour}">{escape(line.severity)}</span></td>')  # fmt: skip
    cells = "".join(f'<td align="right" nowrap style="white-space:nowrap">{number}</td>' for number in numbers)
    below = f'<td colspan="6" style="padding:0 0 6px;font-size:12px;color:{_FAINT}">{words}</td>'
    return f"<tr>{name}</tr><tr>{cells}</tr><tr>{below}</tr>"


def _receivers(report: Report) -> Iterator[str]:
    if not report.receivers:
        return
    yield _heading("Receivers")
    rows = "".join(
        f'<tr><td style="padding:4px 8px 4px 0;border-top:1px solid {_LINE}">{escape(one.receiver)}</td>'
        + "".join(f'<td align="right" style="padding:4px 0 4px 8px;border-top:1px solid {_LINE}">{number}</td>'
                  for number in (one.pages, one.pages_at_night, one.pages_at_weekend, one.messages))
        + "</tr>"
        for one in report.receivers
    )  # fmt: skip
    head = _head(("receiver", "pages", "at night", "at the weekend", "all messages"))
    yield f"<table {_TABLE}>{head}{rows}</table>"


def _head(names: Iterable[str], *, left: bool = True) -> str:
    """`left`: the first column holds names."""
    cells = ""
    for place, name in enumerate(names):
        side, space = ("left", "0") if left and not place else ("right", "8px")
        style = f"padding:0 0 4px {space};font-size:12px;font-weight:600;color:{_FAINT}"
        cells += f'<th align="{side}" style="{style}">{name}</th>'
    return f"<tr>{cells}</tr>"


def _heading(words: str) -> str:
    return f'<h2 style="margin:22px 0 6px;font-size:15px;line-height:1.3">{escape(words)}</h2>'


def _small(html: str) -> str:
    return f'<p style="margin:14px 0 0;font-size:12px;color:{_FAINT}">{html}</p>'


def _link(name: str, url: str) -> str:
    return f'<a href="{escape(url)}" style="color:{_FAINT}">{escape(name)}</a>'


def _list(lines: Iterable[str]) -> str:
    items = "".join(f'<li style="margin:2px 0;word-break:break-word">{escape(one)}</li>' for one in lines)
    return f'<ul style="margin:0;padding-left:18px">{items}</ul>'


def _swatch(colour: str) -> str:
    return f'<span style="background:{colour};color:{colour}">&#9632;</span>'

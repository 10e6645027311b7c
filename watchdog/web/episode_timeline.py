"""The timeline of an episode in words: what happened, when, and who was notified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from watchdog.alerts.episodes import Note
from watchdog.web.times import Moment, moment

#: What happened, and how it looks: bad, good, quiet or plain. `{whom}` is a receiver and its target.
_WORDS = {
    "pending": ("True for the first time", "warn"),
    "began": ("Firing", "bad"),
    "ended": ("Resolved", "good"),
    "flapping": ("Flapping: kept firing", "warn"),
    "dark": ("No reading for a while", "warn"),
    "told": ("Notified {whom}", "plain"),
    "failed": ("Could not notify {whom}", "bad"),
    "unknown": ("Sent to {whom}; whether it arrived is not known", "warn"),
    "held": ("Silenced or suppressed", "quiet"),
    "released": ("No longer silenced or suppressed", "plain"),
    "acknowledged": ("Acknowledged", "good"),
    "withdrawn": ("Acknowledgement taken back", "warn"),
    "silenced": ("Silenced", "quiet"),
    "handed-over": ("Handed to the fallback {whom}", "warn"),
    "taken-over": ("Continued in the next episode for {whom}", "quiet"),
    "merged": ("Resolved notification merged for {whom}", "quiet"),
    "dropped": ("Dropped for {whom}", "quiet"),
    "escalated": ("Escalated to {whom}", "warn"),
    "missed": ("Notified {whom} of what it missed", "plain"),
}
#: What was told.
_PARTS = {"begin": "(firing)", "end": "(resolved)", "remind": "(reminder)",
          "update": "(flapping)", "escalate": "(escalation)"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One event: `what` in words, `tone` how it looks, `why` in the watchdog's own words."""

    at: Moment
    what: str
    tone: str
    why: str


def story(notes: Sequence[Note], since: float, label: Callable[[str], str], now: float) -> list[StoryLine]:
    """An episode's notes, the oldest first, from its first true poll (`since`) on; `label` names a target by its id."""
    lines = [_line(note, label, now) for note in notes]
    if not any(note.what == "pending" for note in notes) and (not notes or since < min(note.at for note in notes)):
        what, tone = _WORDS["pending"]
        lines.insert(0, StoryLine(moment(since, now), what, tone, ""))
    return lines


def _line(note: Note, label: Callable[[str], str], now: float) -> StoryLine:
    what, tone = _WORDS.get(note.what, (note.what, "plain"))
    name = label(note.target) if note.target else ""
    beside = f" ({name})" if note.receiver and name and not name.startswith(note.receiver) else ""
    whom = f"{note.receiver}{beside}" or name or "it"
    why = note.text
    if note.what in ("told", "unknown", "missed"):  # the note names the part that was told, after its cause
        why, _, part = why.rpartition("; ")
        if note.what != "missed":
            whom = f"{whom} {_PARTS.get(part, part)}"
    return StoryLine(moment(note.at, now), what.format(whom=whom), tone, why)

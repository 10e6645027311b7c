"""A reason in its parts, so that a page can set off what was seen from what would have been fine."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: `metric is VALUE (OPERATOR LIMIT)`, as rules.reasons words a comparison; brackets in a limit nest once.
_COMPARED = re.compile(
    r"(?<= is )(?P<value>.{1,200}?) (?P<limit>\((?:[=!<>]=|[<>]|[=!]~|in|not in) (?:[^()]|\([^()]*\))*\))"
    r"|(?<= )(?P<missing>has no reading)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a reason; `role` is "value", "limit", or "" for the words between."""

    text: str
    role: str = ""


def parts_of(reason: str) -> tuple[Part, ...]:
    """All of the reason, in order: joined again they are the very text."""
    parts, at = [], 0
    for found in _COMPARED.finditer(reason):
        parts.append(Part(reason[at : found.start()]))
        if found["missing"]:
            parts.append(Part(found["missing"], "value"))
        else:
            parts += [Part(found["value"], "value"), Part(" "), Part(found["limit"], "limit")]
        at = found.end()
    parts.append(Part(reason[at:]))
    return tuple(part for part in parts if part.text)

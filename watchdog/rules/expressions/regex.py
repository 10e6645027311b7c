"""Regular expressions of rules: RE2's, case-insensitive, over the whole value, in linear time."""

from __future__ import annotations

import re2

_OPTIONS = re2.Options()
_OPTIONS.case_sensitive = False
_OPTIONS.log_errors = False
_OPTIONS.dot_nl = True


def regex(pattern: str) -> re2._Regexp:
    """A compiled pattern: the whole value has to match, case does not matter, time is linear. Use `fullmatch`."""
    return re2.compile(pattern, _OPTIONS)


def regex_mistake(pattern: str) -> str | None:
    """What is wrong with a regular expression; None if nothing."""
    try:
        regex(pattern)
    except re2.error as why:
        text = why.args[0].decode() if isinstance(why.args[0], bytes) else str(why.args[0])
        if "(?" in text or "escape" in text:
            text += "; this syntax (RE2) has no look-around and no back-references"
        return f"the regular expression cannot be read: {text}"
    return None

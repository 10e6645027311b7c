"""The family of everything that can go wrong and has a name.

WatchdogError
├── ConfigError            the operator has something to fix; exit code 2
│   ├── SettingsError      an environment variable or secret file
│   └── RuleFileError      rule files; carries every mistake with its place
│       └── RulePathError  the folder or a file cannot be read at all; also an UnavailableError, exit code 3
├── UnavailableError       something outside could not be used; exit code 3
│   ├── ApiError           one request to Streamkap failed; the next may succeed
│   │   ├── SignInError    credentials refused (401/403 at sign-in, or a replayed 401)
│   │   └── ShapeError     an answer arrived but cannot be what was asked for
│   └── StoreError         the database cannot be opened, read or written
│       └── FencedError    another replica leads now; what this one decided must not be written
├── TextError              a template could not be made into a text; the plain reason is used instead
└── DeliveryError          one message to one target failed (.permanent, .unknown, .retry_after)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class WatchdogError(Exception):
    """Base of all our errors; its text is fit to be shown to a user."""


class ConfigError(WatchdogError):
    """The operator has something to fix."""


class SettingsError(ConfigError):
    """One or more settings are wrong; one line each."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake in a rule file: where (1-based), and what was found and would be accepted."""

    file: str
    line: int
    column: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.what}"


class RuleFileError(ConfigError):
    """Every mistake of a configuration at once."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes))
        super().__init__("\n".join(map(str, self.mistakes)))


class UnavailableError(WatchdogError):
    """Something outside this process could not be used."""


class RulePathError(RuleFileError, UnavailableError):
    """The rule files are not there or cannot be read: nothing can be said of what they hold."""


class ApiError(UnavailableError):
    """One request to the Streamkap API failed.

    `status` is the HTTP status (None when no answer came), `request_id` the API's own id of the request,
    `retry_after` seconds the API asked for, `transient` whether the same request may succeed soon.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        transient: bool = True,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after
        self.transient = transient


class SignInError(ApiError):
    """The API refuses our credentials."""


class ShapeError(ApiError):
    """An answer arrived, but it cannot be what was asked for."""


class StoreError(UnavailableError):
    """The database cannot be opened, read or written."""


class FencedError(StoreError):
    """Another replica leads now: nothing this one decided may be written or sent any more."""


class TextError(WatchdogError):
    """A template could not be made into a text."""


class DeliveryError(WatchdogError):
    """One message to one target failed.

    `permanent`: trying again cannot help. `unknown`: the target may have accepted it (timeout after the request left),
    or some of its recipients have.
    `retry_after`: seconds the target asked us to wait.
    """

    def __init__(
        self, message: str, *, permanent: bool, unknown: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.unknown = unknown
        self.retry_after = retry_after


class ExpressionError(ConfigError):
    """Every mistake of one expression: (offset, length, message), offset and length in characters of its text."""

    def __init__(self, text: str, mistakes: Sequence[tuple[int, int, str]]) -> None:
        self.text = text
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(what for _, _, what in self.mistakes))

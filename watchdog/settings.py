"""Settings: environment, `.env` and secret files to one checked value, or every mistake at once."""

from __future__ import annotations

import difflib
import re
import socket
from collections.abc import Collection, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from watchdog.environment import OURS, SECRETS, read_variables
from watchdog.errors import SettingsError
from watchdog.loopback import is_loopback
from watchdog.units import format_duration, parse_duration, parse_size

#: Characters below which a token is a mistake, and below which it is warned of.
_SHORT_TOKEN, _GOOD_TOKEN = 8, 16
#: Headers that every client sends, or that carry a secret.
_NO_USER_HEADERS = frozenset({"authorization", "cookie", "host", "x-forwarded-for"})
_PLACEHOLDER = re.compile(r"\{[^}]*\}?")


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _size(value: object) -> object:
    """Bytes; 0 for `off`."""
    if not isinstance(value, str):
        return value
    return 0.0 if value.lower() == "off" else parse_size(value)


def _nothing_if_empty(value: object) -> object:
    return None if value == "" else value


Duration = Annotated[float, BeforeValidator(_duration)]
Size = Annotated[float, BeforeValidator(_size)]
Secret = Annotated[SecretStr | None, BeforeValidator(_nothing_if_empty)]
Text = Annotated[str | None, BeforeValidator(_nothing_if_empty)]


class Settings(BaseSettings):
    """Everything the environment says. Field names are the variables' in lower case; durations are seconds."""

    model_config = SettingsConfigDict(frozen=True)

    #: Variables that are set to nothing, which is as if they were not set.
    _empty: tuple[str, ...] = PrivateAttr(default=())

    streamkap_host: str = "https://api.streamkap.com"
    streamkap_client_id: Text = None
    streamkap_secret: Secret = None
    streamkap_token: Secret = None
    streamkap_tenant_ids: str = ""
    watchdog_rules: Path = Path("rules")
    watchdog_poll_every: Duration = 30.0
    watchdog_poll_timeout: Duration = 20.0
    watchdog_listing_every: Duration = 300.0
    watchdog_database_url: SecretStr = SecretStr("sqlite:///watchdog.db")
    watchdog_history: Duration = 30 * 86400.0
    watchdog_recording: Size = 128 * 2**20
    watchdog_listen: str = "127.0.0.1:8080"
    watchdog_web_token: Secret = None
    watchdog_web_read: Literal["token", "open"] = "token"
    watchdog_public_url: str = ""
    watchdog_export: str = ""
    watchdog_links: Literal["on", "off"] = "on"
    watchdog_ca_file: Annotated[Path | None, BeforeValidator(_nothing_if_empty)] = None
    watchdog_trusted_proxy: str = ""
    watchdog_user_header: str = ""
    pagerduty_webhook_secret: Secret = None
    pagerduty_api_token: Secret = None
    pagerduty_api_url: str = "https://api.pagerduty.com"
    slack_app_token: Secret = None
    watchdog_entity_url: str = "https://app.streamkap.com/{kind}s/{id}"
    watchdog_heartbeat_url: Secret = None
    watchdog_name: str = Field(default_factory=socket.gethostname)
    watchdog_log_format: Literal["console", "json"] = "console"
    watchdog_log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # `load` has read the places itself, so that every value can name where it was found

    @classmethod
    def load(
        cls, environ: Mapping[str, str] | None = None, env_file: Path | None = Path(".env"), secrets: Path = SECRETS
    ) -> Settings:
        """The settings of now: the environment wins over `.env`, that over secret files.

        Raises SettingsError with a line per mistake; a secret's value is never shown.
        """
        found = read_variables(environ, env_file, secrets)
        known = {name.upper(): name for name in cls.model_fields}
        # a line end behind a token, as `echo` leaves one, would spoil every request
        values = {known[name]: value.strip() for name, value in found.items() if name in known and value.strip()}
        empty = tuple(sorted(name for name, value in found.items() if name in known and not value.strip()))
        try:
            made = cls(**values)  # type: ignore[arg-type]  # texts; pydantic turns them into what each field is
            made._empty = empty
            return made
        except ValidationError as cause:
            lines = _mistakes(cause, values)
            wrong = {str(error["loc"][0]) for error in cause.errors() if error["loc"]}
        if wrong:  # pydantic looks at how settings fit together only where each is right by itself
            try:
                cls(**{name: value for name, value in values.items() if name not in wrong})  # type: ignore[arg-type]
            except ValidationError as cause:
                others = _mistakes(cause, values)
                lines += [line for line in others if not any(name.upper() in line for name in wrong)]
        raise SettingsError("\n".join(lines))

    @field_validator("streamkap_host", "watchdog_public_url", "watchdog_entity_url", "pagerduty_api_url")
    @classmethod
    def _is_url(cls, value: str, info: ValidationInfo) -> str:
        if not value:
            return value
        parts = _url(value)
        if info.field_name == "watchdog_entity_url":
            strange = sorted(set(_PLACEHOLDER.findall(value)) - {"{kind}", "{id}"})
            if strange:
                raise ValueError(f"has {', '.join(strange)} in it; {{kind}} and {{id}} are filled in")
            return value
        if parts.query or parts.fragment or parts.username is not None:
            raise ValueError("is not a base URL; write scheme, host and path only, e.g. https://api.streamkap.com")
        sends_token = info.field_name in ("streamkap_host", "pagerduty_api_url")
        if sends_token and parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            raise ValueError("sends the token unencrypted; use https:// (http:// is accepted on loopback only)")
        return value.rstrip("/")

    @field_validator("watchdog_poll_every")
    @classmethod
    def _not_too_often(cls, value: float) -> float:
        if value < 1:
            raise ValueError("is too often; write 1s or more, e.g. 30s")
        return value

    @field_validator("watchdog_poll_timeout", "watchdog_history", "watchdog_listing_every")
    @classmethod
    def _positive(cls, value: float) -> float:
        if value <= 0:
            raise ValueError("has to be longer than nothing, e.g. 20s")
        return value

    @field_validator("slack_app_token")
    @classmethod
    def _is_app_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith("xapp-"):
            raise ValueError("is no app-level token of Slack; those begin with xapp-")
        return value

    @field_validator("watchdog_recording")
    @classmethod
    def _holds_hours(cls, value: float) -> float:
        if value and value < 2**20:
            raise ValueError("is too small for a recording; write 1MiB or more, e.g. 128MiB, or off")
        return value

    @field_validator("watchdog_database_url")
    @classmethod
    def _is_database(cls, value: SecretStr) -> SecretStr:
        scheme = value.get_secret_value().partition("://")[0].partition("+")[0]
        if scheme not in ("sqlite", "postgresql", "postgres"):
            raise ValueError("is not a database URL; write sqlite:///file.db or postgresql://user:password@host/name")
        return value

    @field_validator("streamkap_token")
    @classmethod
    def _fits_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch("[!-~]+", value.get_secret_value()):
            raise ValueError("is not a token; write it as it was given, without spaces, line breaks or quotes")
        return value

    @field_validator("watchdog_web_token")
    @classmethod
    def _is_no_word(cls, value: SecretStr | None) -> SecretStr | None:
        length = 0 if value is None else len(value.get_secret_value())
        if value is not None and length < _SHORT_TOKEN:
            raise ValueError(f"has {length} characters; write {_SHORT_TOKEN} or more, e.g. from `openssl rand -hex 16`")
        return value

    @field_validator("watchdog_trusted_proxy")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for part in _parts(value):
            try:
                ip_network(part)
            except ValueError:
                raise ValueError(
                    f"has '{part}' in it, which is no address; write addresses or networks with commas between them, "
                    "e.g. 10.0.0.5, 10.1.0.0/16"
                ) from None
        return value

    @field_validator("watchdog_user_header")
    @classmethod
    def _is_header(cls, value: str) -> str:
        if value and (not re.fullmatch("[A-Za-z0-9-]+", value) or value.lower() in _NO_USER_HEADERS):
            raise ValueError("is not a header that names a person; write e.g. X-Forwarded-User")
        return value

    @field_validator("watchdog_heartbeat_url")
    @classmethod
    def _is_secret_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _url(value.get_secret_value())
        return value

    @field_validator("watchdog_log_format", "watchdog_log_level", "watchdog_web_read", "watchdog_links", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("watchdog_listen")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value.lower() == "off":
            return "off"
        host, colon, port = value.rpartition(":")
        fits = re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.%]+\]", host) and re.fullmatch("[0-9]{1,5}", port)
        if not colon or not fits or int(port) > 65535:
            raise ValueError("is not an address; write host:port, e.g. 0.0.0.0:8080, or off")
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> Settings:
        mistakes = []
        if self.watchdog_listing_every < self.watchdog_poll_every:
            if "watchdog_listing_every" in self.model_fields_set:
                mistakes.append(
                    f"WATCHDOG_LISTING_EVERY={format_duration(self.watchdog_listing_every)} is shorter than a poll; "
                    f"write {format_duration(self.watchdog_poll_every)} (WATCHDOG_POLL_EVERY) or more"
                )
            else:
                object.__setattr__(self, "watchdog_listing_every", self.watchdog_poll_every)
        if (self.streamkap_client_id is None) != (self.streamkap_secret is None) and self.streamkap_token is None:
            missing, there = "STREAMKAP_CLIENT_ID", "STREAMKAP_SECRET"
            if self.streamkap_secret is None:
                missing, there = there, missing
            mistakes.append(f"{missing} is not set, but {there} is; set both, or STREAMKAP_TOKEN instead")
        if self.watchdog_user_header and not self.trusted_proxies:
            mistakes.append(
                f"WATCHDOG_USER_HEADER={self.watchdog_user_header!r} needs WATCHDOG_TRUSTED_PROXY: "
                "anybody could send that header; write the addresses of the proxy that signs people in"
            )
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return self

    # -- what others ask

    @property
    def has_credentials(self) -> bool:
        return self.streamkap_token is not None or (
            self.streamkap_client_id is not None and self.streamkap_secret is not None
        )

    def require_credentials(self) -> None:
        """For commands that talk to the API; raises SettingsError that says what to set."""
        if not self.has_credentials:
            raise SettingsError(
                "no credentials for Streamkap: set STREAMKAP_CLIENT_ID and STREAMKAP_SECRET, or STREAMKAP_TOKEN "
                "(try `watchdog demo` without any)"
            )

    @property
    def tenant_ids(self) -> tuple[str, ...]:
        return _parts(self.streamkap_tenant_ids)

    @property
    def trusted_proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Whose word counts about where a request comes from, and on whose behalf."""
        return tuple(ip_network(part) for part in _parts(self.watchdog_trusted_proxy))

    @property
    def warnings(self) -> list[str]:
        """What is accepted and should not stay so."""
        token = self.watchdog_web_token
        found = [f"{name} is empty; {self._instead(name)} is used" for name in self._empty]
        if token is not None and len(token.get_secret_value()) < _GOOD_TOKEN:
            found.append(f"WATCHDOG_WEB_TOKEN has fewer than {_GOOD_TOKEN} characters and may be guessed; "
                         "write a longer one, e.g. from `openssl rand -hex 16`")  # fmt: skip
        return found

    def _instead(self, name: str) -> str:
        default = type(self).model_fields[name.lower()].get_default(call_default_factory=True)
        shown = default.get_secret_value() if isinstance(default, SecretStr) else default
        if isinstance(shown, float):
            shown = format_duration(shown)
        return f"the default {shown}" if shown not in (None, "") else "no value"

    @property
    def listen(self) -> tuple[str, int] | None:
        """Host and port of the web server, None for none."""
        if self.watchdog_listen == "off":
            return None
        host, _, port = self.watchdog_listen.rpartition(":")
        return host.strip("[]"), int(port)


def _parts(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def unknown_variables(names: Collection[str]) -> list[str]:
    """A warning for each variable that looks like a setting and is none."""
    known = [name.upper() for name in Settings.model_fields]
    warnings = []
    for name in sorted(names):
        if name.upper().startswith(OURS) and name not in known:
            close = difflib.get_close_matches(name.upper(), known, 1, cutoff=0.8)
            # others may use STREAMKAP_ for themselves
            if close or name.startswith("WATCHDOG_"):
                warnings.append(f"{name} is not a setting" + (f"; did you mean {close[0]}?" if close else ""))
    return warnings


def _url(value: str) -> SplitResult:
    """Raises ValueError that says what would be accepted."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # brackets or a port that cannot be
        usable = False
    if not usable or re.search(r"\s", value):
        raise ValueError("is not a URL; write one with https://, e.g. https://example.com")
    return parts


def _mistakes(cause: ValidationError, values: Mapping[str, str]) -> list[str]:
    lines = []
    for error in cause.errors(include_url=False):
        message = error["msg"].removeprefix("Value error, ")
        if not error["loc"]:
            lines += message.splitlines()  # a mistake a line
            continue
        field = str(error["loc"][0])
        if error["type"] == "literal_error":
            message = f"is not one of them; write {error['ctx']['expected'].replace(chr(39), '')}"
        # parse_duration's text repeats the value; the variable is named in front of it
        shown = _shown(field, values.get(field, ""))
        message = message.removeprefix(f"{values.get(field, '')!r} ")
        lines.append(f"{field.upper()}={shown} {message}")
    return lines


def _shown(field: str, value: str) -> str:
    annotation = str(Settings.model_fields[field].annotation)
    if field == "watchdog_database_url" and not re.search("[@?:]", value):
        return repr(value)  # a file's name, most likely
    # a URL that is none of ours to keep may still hold a password
    return "(hidden)" if "Secret" in annotation or "@" in value else repr(value)

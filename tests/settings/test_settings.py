"""Settings: where values come from, what is refused and how, and what is never shown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from watchdog.environment import read_variables
from watchdog.errors import SettingsError
from watchdog.settings import Settings, unknown_variables

NOWHERE = Path("/nowhere/at/all")


def load(**environ: str) -> Settings:
    return Settings.load(environ, env_file=None, secrets=NOWHERE)


def mistakes(**environ: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(**environ)
    return str(refused.value).splitlines()


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("WATCHDOG_POLL_EVERY", "soon", "'soon' is not a duration; write a number and ms, s, m, h or d, e.g. 5m or 1h30m"),
        ("WATCHDOG_POLL_EVERY", "30", "'30' is not a duration; write a number and ms, s, m, h or d, e.g. 5m or 1h30m"),
        ("WATCHDOG_POLL_EVERY", "500ms", "'500ms' is too often; write 1s or more, e.g. 30s"),
        ("WATCHDOG_POLL_EVERY", "99999d", "'99999d' is longer than a hundred years; write less, e.g. 30d"),
        ("WATCHDOG_POLL_TIMEOUT", "0s", "'0s' has to be longer than nothing, e.g. 20s"),
        ("WATCHDOG_HISTORY", "0s", "'0s' has to be longer than nothing, e.g. 20s"),
        ("WATCHDOG_WEB_TOKEN", "a", "(hidden) has 1 characters; write 8 or more, e.g. from `openssl rand -hex 16`"),
        ("WATCHDOG_TRUSTED_PROXY", "10.0.0.5, ingress", "'10.0.0.5, ingress' has 'ingress' in it, which is no address; write addresses "
         "or networks with commas between them, e.g. 10.0.0.5, 10.1.0.0/16"),
        ("WATCHDOG_USER_HEADER", "Authorization", "'Authorization' is not a header that names a person; write e.g. X-Forwarded-User"),
        ("WATCHDOG_USER_HEADER", "X-Forwarded-User", "'X-Forwarded-User' needs WATCHDOG_TRUSTED_PROXY: anybody could send that header; "
         "write the addresses of the proxy that signs people in"),
        ("STREAMKAP_HOST", "api", "'api' is not a URL; write one with https://, e.g. https://example.com"),
        ("STREAMKAP_HOST", "https://", "'https://' is not a URL; write one with https://, e.g. https://example.com"),
        ("STREAMKAP_HOST", "https://[::1", "'https://[::1' is not a URL; write one with https://, e.g. https://example.com"),
        ("STREAMKAP_HOST", "https://a:99999", "'https://a:99999' is not a URL; write one with https://, e.g. https://example.com"),
        ("STREAMKAP_HOST", "https://a/?b=c", "'https://a/?b=c' is not a base URL; write scheme, host and path only, "
         "e.g. https://api.streamkap.com"),
        ("STREAMKAP_HOST", "https://me:pass@a", "(hidden) is not a base URL; write scheme, host and path only, "
         "e.g. https://api.streamkap.com"),
        ("STREAMKAP_HOST", "http://a.example", "'http://a.example' sends the token unencrypted; use https:// "
         "(http:// is accepted on loopback only)"),
        ("WATCHDOG_LISTEN", "8080", "'8080' is not an address; write host:port, e.g. 0.0.0.0:8080, or off"),
        ("WATCHDOG_LISTEN", "a:70000", "'a:70000' is not an address; write host:port, e.g. 0.0.0.0:8080, or off"),
        ("WATCHDOG_LISTEN", "a:²", "'a:²' is not an address; write host:port, e.g. 0.0.0.0:8080, or off"),
        ("WATCHDOG_LISTEN", "http://a:80", "'http://a:80' is not an address; write host:port, e.g. 0.0.0.0:8080, or off"),
        ("WATCHDOG_LISTEN", ":8080", "':8080' is not an address; write host:port, e.g. 0.0.0.0:8080, or off"),
        ("STREAMKAP_TOKEN", "hunter 2", "(hidden) is not a token; write it as it was given, without spaces, line breaks or "
         "quotes"),
        ("STREAMKAP_TOKEN", "“hunter2”", "(hidden) is not a token; write it as it was given, without spaces, line breaks or "
         "quotes"),
        ("WATCHDOG_DATABASE_URL", "watchdog.db", "'watchdog.db' is not a database URL; write sqlite:///file.db or "
         "postgresql://user:password@host/name"),
        ("WATCHDOG_POLL_EVERY", "30 seconds", "'30 seconds' is not a duration; write a number and ms, s, m, h or d, e.g. 5m or "
         "1h30m; did you mean '30s'?"),
        ("WATCHDOG_WEB_READ", "all", "'all' is not one of them; write token or open"),
        ("WATCHDOG_LOG_FORMAT", "xml", "'xml' is not one of them; write console or json"),
        ("WATCHDOG_LOG_LEVEL", "loud", "'loud' is not one of them; write debug, info, warning or error"),
        ("WATCHDOG_DATABASE_URL", "mysql://u:pass@h/d", "(hidden) is not a database URL; write sqlite:///file.db or "
         "postgresql://user:password@host/name"),
        ("WATCHDOG_HEARTBEAT_URL", "ping", "(hidden) is not a URL; write one with https://, e.g. https://example.com"),
        ("WATCHDOG_ENTITY_URL", "https://a/{name}", "'https://a/{name}' has {name} in it; {kind} and {id} are filled in"),
    ],
)  # fmt: skip
def test_each_mistake_names_variable_finding_and_fix(name: str, value: str, line: str) -> None:
    assert mistakes(**{name: value}) == [f"{name}={line}"]


def test_every_mistake_is_told_at_once_also_those_between_settings() -> None:
    assert mistakes(
        WATCHDOG_POLL_EVERY="soon", WATCHDOG_LISTEN="x", STREAMKAP_SECRET="hunter2", WATCHDOG_LISTING_EVERY="1s"
    ) == [
        "WATCHDOG_POLL_EVERY='soon' is not a duration; write a number and ms, s, m, h or d, e.g. 5m or 1h30m",
        "WATCHDOG_LISTEN='x' is not an address; write host:port, e.g. 0.0.0.0:8080, or off",
        "STREAMKAP_CLIENT_ID is not set, but STREAMKAP_SECRET is; set both, or STREAMKAP_TOKEN instead",
    ]  # whether listings come too often cannot be said without the interval


def test_a_listing_is_not_more_frequent_than_a_poll() -> None:
    assert mistakes(WATCHDOG_LISTING_EVERY="10s", STREAMKAP_CLIENT_ID="id") == [
        "WATCHDOG_LISTING_EVERY=10s is shorter than a poll; write 30s (WATCHDOG_POLL_EVERY) or more",
        "STREAMKAP_SECRET is not set, but STREAMKAP_CLIENT_ID is; set both, or STREAMKAP_TOKEN instead",
    ]
    assert load(WATCHDOG_POLL_EVERY="10m").watchdog_listing_every == 600  # the default gives way


@pytest.mark.parametrize("host", ["http://localhost:8000", "http://127.0.0.1", "http://127.0.0.2:1", "http://[::1]:80"])
def test_loopback_needs_no_encryption(host: str) -> None:
    assert load(STREAMKAP_HOST=host).streamkap_host == host


@pytest.mark.parametrize(
    ("written", "address"),
    [("off", None), ("OFF", None), ("0.0.0.0:8080", ("0.0.0.0", 8080)), ("[::1]:80", ("::1", 80))],
)
def test_where_to_listen(written: str, address: tuple[str, int] | None) -> None:
    assert load(WATCHDOG_LISTEN=written).listen == address


def test_secrets_are_never_shown() -> None:
    settings = load(
        STREAMKAP_CLIENT_ID="id",
        STREAMKAP_SECRET="hunter2",
        STREAMKAP_TOKEN="hunter2",
        WATCHDOG_WEB_TOKEN="hunter2-hunter2",
        WATCHDOG_HEARTBEAT_URL="https://a/hunter2",
        WATCHDOG_DATABASE_URL="postgresql://u:hunter2@h/d",
    )
    assert "hunter2" not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("environ", "ids"), [({}, ()), ({"STREAMKAP_TENANT_IDS": " a, b ,,"}, ("a", "b"))], ids=["none", "two"]
)
def test_tenants(environ: dict[str, str], ids: tuple[str, ...]) -> None:
    assert load(**environ).tenant_ids == ids


@pytest.mark.parametrize(("token", "warned"), [("x" * 8, True), ("x" * 15, True), ("x" * 16, False), ("", False)])
def test_a_short_token_is_warned_of(token: str, warned: bool) -> None:
    assert ["fewer than 16" in one for one in load(WATCHDOG_WEB_TOKEN=token).warnings if "is empty" not in one] == [True] * warned


def test_trusted_proxies() -> None:
    settings = load(WATCHDOG_TRUSTED_PROXY="10.0.0.5, fd00::/8", WATCHDOG_USER_HEADER="X-Forwarded-User")
    assert [str(one) for one in settings.trusted_proxies] == ["10.0.0.5/32", "fd00::/8"]


def test_without_credentials_it_says_what_to_set() -> None:
    with pytest.raises(SettingsError, match="set STREAMKAP_CLIENT_ID and STREAMKAP_SECRET, or STREAMKAP_TOKEN"):
        load().require_credentials()
    load(STREAMKAP_TOKEN="t").require_credentials()


def test_the_environment_wins_over_dotenv_and_that_over_secret_files(tmp_path: Path) -> None:
    secrets, dotenv = tmp_path / "secrets", tmp_path / ".env"
    secrets.mkdir()
    for name in ("ONE", "TWO", "THREE", "FOUR"):
        (secrets / name).write_text("file\n")
    dotenv.write_text("TWO=dotenv\nTHREE='dotenv'\nFOUR=\nFIVE=\n# SIX=x\n")
    found = read_variables({"THREE": "environment", "TWO": ""}, dotenv, secrets)
    assert found == {"ONE": "file", "TWO": "dotenv", "THREE": "environment", "FOUR": "file", "FIVE": ""}


def test_an_empty_value_hides_no_secret_file(tmp_path: Path) -> None:
    """`STREAMKAP_SECRET=` stands in a copied example file."""
    (tmp_path / "STREAMKAP_SECRET").write_text("from the file")
    settings = Settings.load({"STREAMKAP_CLIENT_ID": "id", "STREAMKAP_SECRET": ""}, env_file=None, secrets=tmp_path)
    assert settings.streamkap_secret is not None
    assert settings.streamkap_secret.get_secret_value() == "from the file"


def test_a_line_end_behind_a_value_is_none_of_it() -> None:
    settings = load(STREAMKAP_TOKEN="abc\n", WATCHDOG_POLL_EVERY=" 45s ", WATCHDOG_NAME=" ", STREAMKAP_HOST="https://a/\n")
    assert settings.streamkap_token is not None
    assert settings.streamkap_token.get_secret_value() == "abc"
    assert (settings.watchdog_poll_every, settings.streamkap_host) == (45, "https://a")
    assert settings.watchdog_name.strip()  # the host's


def test_other_things_among_the_secrets_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "kubernetes.io").mkdir()
    (tmp_path / "store.p12").write_bytes(b"\xff\xfe")
    (tmp_path / "KEYSTORE").write_bytes(b"\xff\xfe")
    (tmp_path / "..data").symlink_to(tmp_path / "kubernetes.io")
    (tmp_path / "SLACK_URL").symlink_to(tmp_path / "linked")
    (tmp_path / "linked").write_text("slack://a")
    assert read_variables({}, None, tmp_path) == {"SLACK_URL": "slack://a", "linked": "slack://a"}


def test_files_that_cannot_be_read_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "STREAMKAP_SECRET").write_bytes(b"\xff\xfe")
    dotenv = tmp_path / ".env"
    dotenv.write_bytes(b"A=\xff\n")
    with pytest.raises(SettingsError) as refused:
        read_variables({}, dotenv, tmp_path)
    assert str(refused.value).splitlines() == [
        f"{tmp_path}/STREAMKAP_SECRET: cannot be read as a secret: it is not UTF-8 text",
        f"{dotenv}: cannot be read: it is not UTF-8 text",
    ]


def test_variables_that_are_no_settings() -> None:
    assert unknown_variables(["WATCHDOG_POL_EVERY", "WATCHDOG_XYZZY", "watchdog_name", "STREAMKAP_QQ", "WATCHDOG_NAME"]) == [
        "WATCHDOG_POL_EVERY is not a setting; did you mean WATCHDOG_POLL_EVERY?",
        "WATCHDOG_XYZZY is not a setting",
        "watchdog_name is not a setting; did you mean WATCHDOG_NAME?",
    ]


def test_help_does_not_wait_for_settings() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "watchdog", "--help"]
    run = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "80"})
    assert "pydantic" not in run.stderr


def test_an_empty_value_is_no_value_and_what_is_used_instead_is_said() -> None:
    settings = load(WATCHDOG_DATABASE_URL="", WATCHDOG_POLL_EVERY=" ", WATCHDOG_PUBLIC_URL="")
    assert settings.warnings == [
        "WATCHDOG_DATABASE_URL is empty; the default sqlite:///watchdog.db is used",
        "WATCHDOG_POLL_EVERY is empty; the default 30s is used",
        "WATCHDOG_PUBLIC_URL is empty; no value is used",
    ]

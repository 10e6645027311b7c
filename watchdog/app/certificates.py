"""A company's own certificates: trusted beside the system's by everything that speaks TLS in this process."""

from __future__ import annotations

import atexit
import os
import ssl
import tempfile
from pathlib import Path

import certifi

from watchdog.errors import SettingsError

#: What OpenSSL, requests (apprise), curl and libpq read; httpx and smtplib ask OpenSSL.
_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PGSSLROOTCERT")
_trusted: dict[str, str] = {}


def trust(file: Path | None) -> None:
    """From now on trust the certificates of `file` as well; does nothing without one, or when called again.

    Raises SettingsError for a file that cannot be read or holds no certificate.
    """
    if file is None or str(file) in _trusted:
        return
    try:
        own = file.read_text(encoding="ascii")
        ssl.create_default_context().load_verify_locations(cadata=own)
    except (ssl.SSLError, UnicodeDecodeError, ValueError) as cause:
        what = "holds no certificate; write PEM, which begins with -----BEGIN CERTIFICATE-----"
        raise SettingsError(f"WATCHDOG_CA_FILE='{file}' {what}") from cause
    except OSError as cause:
        raise SettingsError(f"WATCHDOG_CA_FILE='{file}' cannot be read: {cause.strerror}; name a PEM file") from cause
    handle, bundle = tempfile.mkstemp(prefix="watchdog-ca-", suffix=".pem")
    with os.fdopen(handle, "w", encoding="ascii") as out:
        out.write("\n".join([_system(), own]))
    atexit.register(Path(bundle).unlink, missing_ok=True)
    os.environ.update(dict.fromkeys(_VARIABLES, bundle))
    _trusted[str(file)] = bundle


def _system() -> str:
    """What is trusted without us: what the environment names, else the system's bundle, else certifi's."""
    places = (os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile, certifi.where())
    return next(Path(place).read_text(encoding="utf-8") for place in places if place and Path(place).is_file())

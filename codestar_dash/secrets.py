"""Finds or makes the signing key and the keys of encrypted columns."""

import contextlib
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured


def secret_key(given: str, data: Path) -> str:
    """Return the signing key: the environment's, else one kept in the data folder (mode 0600)."""
    return given or _kept(data / "secret-key", lambda: secrets.token_urlsafe(50))


def field_keys(given: list[str], data: Path) -> list[str]:
    """Return Fernet keys, newest first. ImproperlyConfigured where one is not a Fernet key."""
    keys = given or [
        line for line in _kept(data / "field-keys", _fernet_key).split("\n") if line.strip()
    ]
    for key in keys:
        try:
            Fernet(key)
        except ValueError:
            raise ImproperlyConfigured(
                "FIELD_KEYS holds something that is no Fernet key (32 url-safe base64 bytes); "
                "make one with: python -c 'from cryptography.fernet import Fernet;"
                " print(Fernet.generate_key().decode())'"
            ) from None
    return keys


def _fernet_key() -> str:
    return Fernet.generate_key().decode()


def _kept(path: Path, make: Callable[[], str]) -> str:
    try:
        with contextlib.suppress(FileNotFoundError):
            return _read(path)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Written whole beside its place, then linked into it: of processes that start at once one
        # makes the key and all read it, and none reads half of it.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(handle, "w") as file:
            file.write(make())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
        Path(name).unlink()
        return _read(path)
    except OSError as error:
        raise ImproperlyConfigured(
            f"cannot keep a key in {path.parent}: {error.strerror}. "
            "Set CODESTAR_DASH_DATA to a folder that can be written."
        ) from None


def _read(path: Path) -> str:
    text = path.read_text().strip()
    if not text:
        raise ImproperlyConfigured(
            f"{path} is empty. Put the key back, or remove the file to have a new one made "
            "(what was encrypted or signed with the old one is then lost)."
        )
    return text

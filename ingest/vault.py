"""Secrets: a keyring for AES-256-GCM sealing bound to the row, and one random secret for each other purpose.

A sealed value is `version | length of key id | key id | nonce | ciphertext+tag`. The associated data names the place
the value belongs to (`raw|42|body`), so that a ciphertext copied to another row does not open there.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingest.settings import settings
from providers.errors import Misconfigured

VERSION = 1
NONCE_BYTES = 12
HEAD_BYTES = 2
PURPOSES = frozenset({"unsubscribe", "code", "webhook", "push"})


@dataclass(frozen=True, slots=True, repr=False)
class Vault:
    """The keyring of this installation. `primary` seals; every key opens."""

    primary: str
    keys: dict[str, bytes]
    purposes: dict[str, bytes]

    def seal(self, plain: bytes, place: str) -> bytes:
        """Encrypt `plain` for `place` under the primary key."""
        kid = self.primary.encode()
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(self.keys[self.primary]).encrypt(nonce, plain, place.encode())
        return bytes((VERSION, len(kid))) + kid + nonce + sealed

    def open(self, sealed: bytes, place: str) -> bytes:
        """Decrypt what `seal` made for the same `place`. Raises Misconfigured for an unknown key or a foreign value."""
        kid = key_id(sealed)
        if kid not in self.keys:
            raise Misconfigured(f"a value is sealed with key {kid}, which this installation lacks: restore that key")
        start = HEAD_BYTES + len(kid.encode())
        nonce, closed = sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :]
        try:
            return AESGCM(self.keys[kid]).decrypt(nonce, closed, place.encode())
        except InvalidTag:
            raise Misconfigured(
                f"a sealed value does not belong to {place}, or was changed: restore it from a backup"
            ) from None

    def sign(self, purpose: str, text: str) -> str:
        """A URL-safe signature of `text`, by the secret of one purpose alone."""
        digest = hmac.new(self.purposes[purpose], text.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:18]).decode()

    def signed_by(self, purpose: str, text: str, signature: str) -> bool:
        """Whether `signature` is ours, compared in constant time."""
        return hmac.compare_digest(self.sign(purpose, text).encode(), signature.encode())


def key_id(sealed: bytes) -> str:
    """The id of the key that a sealed value names. Raises Misconfigured where the bytes are no sealed value."""
    if len(sealed) < HEAD_BYTES or sealed[0] != VERSION or len(sealed) < HEAD_BYTES + sealed[1] + NONCE_BYTES:
        raise Misconfigured("a stored value is not sealed by Vagus: restore it from a backup")
    return sealed[HEAD_BYTES : HEAD_BYTES + sealed[1]].decode(errors="replace")


def create_secrets(file: Path) -> None:
    """Write fresh secrets to `file`, readable by its owner alone; two starts at once agree on one.

    A file that is there keeps what it has, and gains the secrets of purposes that came with a newer version.
    """
    try:
        content = json.loads(file.read_text())
    except FileNotFoundError:
        content = {"primary": "k1", "keys": {"k1": _encode(secrets.token_bytes(32))}, "purposes": {}}
        _write(file, _with_every_purpose(content), os.link)
    except ValueError:
        return  # `load` says what is wrong with it
    else:
        if PURPOSES - content.get("purposes", {}).keys():
            _write(file, _with_every_purpose(content), os.replace)


def _with_every_purpose(content: dict[str, Any]) -> dict[str, Any]:
    fresh = {purpose: _encode(secrets.token_bytes(32)) for purpose in sorted(PURPOSES)}
    return {**content, "purposes": fresh | content.get("purposes", {})}


def _write(file: Path, content: dict[str, Any], place: Callable[[Path, Path], None]) -> None:
    """Write beside the file, then put it in its place in one step; a link does not replace what came first."""
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        json.dump(content, handle)
        handle.flush()
        os.fsync(handle.fileno())
    try:
        place(part, file)
    except FileExistsError:
        pass
    finally:
        part.unlink(missing_ok=True)


def load(file: Path) -> Vault:
    """Read the keyring. Raises Misconfigured where it is missing or incomplete."""
    try:
        content = json.loads(file.read_text())
        return Vault(
            content["primary"],
            {kid: _decode(key) for kid, key in content["keys"].items()},
            {purpose: _decode(content["purposes"][purpose]) for purpose in PURPOSES},
        )
    except FileNotFoundError:
        raise Misconfigured(f"no secrets at {file}: run `vagus up` once, or set VAGUS_SECRETS_FILE") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Misconfigured(f"{file} cannot be used ({error}): restore it from a backup") from None


@lru_cache(maxsize=1)
def vault() -> Vault:
    """The vault of this process."""
    return load(settings().secrets_path)


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)

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
    """The keyring of this installation, read from `file`. `primary` seals; every key opens."""

    primary: str
    keys: dict[str, bytes]
    purposes: dict[str, bytes]
    file: Path | None = None

    def seal(self, plain: bytes, place: str) -> bytes:
        """Encrypt `plain` for `place` under the primary key."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(self.keys[self.primary]).encrypt(nonce, plain, place.encode())
        return head(self.primary) + nonce + sealed

    def open(self, sealed: bytes, place: str) -> bytes:
        """Decrypt what `seal` made for the same `place`. Raises Misconfigured for an unknown key or a foreign value."""
        kid = key_id(sealed)
        key = self.keys.get(kid) or self._added_since(kid)
        if key is None:
            raise Misconfigured(f"a value is sealed with key {kid}, which this installation lacks: restore that key")
        start = HEAD_BYTES + len(kid.encode())
        nonce, closed = sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :]
        try:
            return AESGCM(key).decrypt(nonce, closed, place.encode())
        except InvalidTag:
            raise Misconfigured(
                f"a sealed value does not belong to {place}, or was changed: restore it from a backup"
            ) from None

    def _added_since(self, kid: str) -> bytes | None:
        """A key that came into the file after this keyring was read from it."""
        return load(self.file).keys.get(kid) if self.file else None

    def sign(self, purpose: str, text: str) -> str:
        """A URL-safe signature of `text`, by the secret of one purpose alone."""
        digest = hmac.new(self.purposes[purpose], text.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:18]).decode()

    def signed_by(self, purpose: str, text: str, signature: str) -> bool:
        """Whether `signature` is ours, compared in constant time."""
        return hmac.compare_digest(self.sign(purpose, text).encode(), signature.encode())


def head(kid: str) -> bytes:
    """What every value begins with that is sealed with this key."""
    return bytes((VERSION, len(kid.encode()))) + kid.encode()


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
        _give_as(file, handle.fileno())
        json.dump(content, handle)
        handle.flush()
        os.fsync(handle.fileno())
    try:
        place(part, file)
    except FileExistsError:
        pass
    finally:
        part.unlink(missing_ok=True)


def _give_as(file: Path, descriptor: int) -> None:
    """Let whoever could read the file read what replaces it: root may turn keys that another account uses."""
    try:
        was = file.stat()
    except FileNotFoundError:
        return
    if was.st_uid != os.geteuid():
        os.fchown(descriptor, was.st_uid, was.st_gid)


def load(file: Path) -> Vault:
    """Read the keyring. Raises Misconfigured where it is missing or incomplete."""
    try:
        content = json.loads(file.read_text())
        return Vault(
            content["primary"],
            {kid: _decode(key) for kid, key in content["keys"].items()},
            {purpose: _decode(content["purposes"][purpose]) for purpose in PURPOSES},
            file,
        )
    except FileNotFoundError:
        raise Misconfigured(f"no secrets at {file}: run `vagus up` once, or set VAGUS_SECRETS_FILE") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Misconfigured(f"{file} cannot be used ({error}): restore it from a backup") from None


class Held:
    """The vault of this process; read again when its file was replaced, so that a new key is known without a restart.

    What is sealed must be written in the transaction it was sealed in: a key is retired once no such transaction is
    older than its successor.
    """

    def __init__(self) -> None:
        self._held: tuple[object, Vault] | None = None

    def __call__(self) -> Vault:
        """The vault as its file is now. Raises Misconfigured."""
        file = settings().secrets_path
        mark = (file, _mark(file))
        held = self._held
        if held is None or held[0] != mark:
            held = self._held = mark, load(file)
        return held[1]

    def cache_clear(self) -> None:
        """Forget what was read."""
        self._held = None


vault = Held()


def _mark(file: Path) -> tuple[int, int, int] | None:
    """What changes when a file is replaced."""
    try:
        now = file.stat()
    except FileNotFoundError:
        return None
    return now.st_mtime_ns, now.st_size, now.st_ino


def add_key(file: Path) -> str:
    """Add a key that opens and does not seal yet; its id. Raises Misconfigured."""
    content = _content(file)
    numbers = [int(kid[1:]) for kid in content["keys"] if kid[:1] == "k" and kid[1:].isdecimal()]
    kid = f"k{max(numbers, default=0) + 1}"
    content["keys"][kid] = _encode(secrets.token_bytes(32))
    _write(file, content, os.replace)
    return kid


def make_primary(file: Path, kid: str) -> None:
    """Let a key that is there seal from now on. Raises Misconfigured."""
    _write(file, {**_content(file), "primary": kid}, os.replace)


def retire(file: Path, kids: set[str]) -> None:
    """Forget keys with which nothing is sealed any more. Raises Misconfigured."""
    content = _content(file)
    content["keys"] = {kid: key for kid, key in content["keys"].items() if kid not in kids}
    _write(file, content, os.replace)


def _content(file: Path) -> dict[str, Any]:
    """The file, found usable. Raises Misconfigured."""
    load(file)
    content: dict[str, Any] = json.loads(file.read_text())
    return content


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)

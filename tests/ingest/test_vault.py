import json
import os
import stat

import pytest

from ingest.vault import Vault, create_secrets, load, vault
from providers.errors import Misconfigured


def test_a_sealed_value_opens_in_its_own_place_only(home) -> None:
    sealed = vault().seal(b"refresh token", "credential|1|refresh")
    assert vault().open(sealed, "credential|1|refresh") == b"refresh token"
    with pytest.raises(Misconfigured, match=r"does not belong to credential\|2\|refresh"):
        vault().open(sealed, "credential|2|refresh")


def test_the_plain_text_is_nowhere_in_the_sealed_value_and_no_two_are_alike(home) -> None:
    first, second = (vault().seal(b"a very plain text", "x") for _ in range(2))
    assert b"plain" not in first
    assert first != second


def test_one_changed_bit_is_noticed(home) -> None:
    sealed = bytearray(vault().seal(b"value", "x"))
    sealed[-1] ^= 1
    with pytest.raises(Misconfigured, match="was changed"):
        vault().open(bytes(sealed), "x")


def test_a_value_sealed_under_an_older_key_still_opens_while_new_ones_take_the_primary() -> None:
    old, new, purposes = os.urandom(32), os.urandom(32), {"code": b"c" * 32}
    sealed = Vault("k1", {"k1": old}, purposes).seal(b"value", "x")
    rotated = Vault("k2", {"k1": old, "k2": new}, purposes)
    assert rotated.open(sealed, "x") == b"value"
    assert b"k2" in rotated.seal(b"value", "x")[:4]


def test_a_missing_key_is_named(home) -> None:
    sealed = vault().seal(b"value", "x")
    with pytest.raises(Misconfigured, match="sealed with key k1, which this installation lacks"):
        Vault("k9", {"k9": os.urandom(32)}, {}).open(sealed, "x")


@pytest.mark.parametrize("stored", [b"", b"\x01", b"plain text that nobody sealed", b"\x01\x02k1short"])
def test_a_value_that_is_not_sealed_is_refused_in_one_line(home, stored: bytes) -> None:
    with pytest.raises(Misconfigured, match="restore"):
        vault().open(stored, "x")


def test_secrets_are_readable_by_their_owner_alone_and_never_overwritten(tmp_path) -> None:
    file = tmp_path / "secrets.json"
    create_secrets(file)
    before = file.read_text()
    create_secrets(file)
    assert file.read_text() == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [child.name for child in tmp_path.iterdir()] == ["secrets.json"]


def test_a_newer_version_adds_the_secrets_it_needs_and_changes_none(tmp_path) -> None:
    file = tmp_path / "secrets.json"
    create_secrets(file)
    content = json.loads(file.read_text())
    del content["purposes"]["code"]
    file.write_text(json.dumps(content))
    create_secrets(file)
    grown = json.loads(file.read_text())
    assert grown["keys"] == content["keys"]
    assert grown["purposes"]["unsubscribe"] == content["purposes"]["unsubscribe"]
    assert load(file).sign("code", "42")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_secrets_that_cannot_be_read_are_left_for_their_owner_to_restore(tmp_path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text("{broken")
    create_secrets(file)
    assert file.read_text() == "{broken"


def test_each_purpose_has_a_secret_of_its_own(home) -> None:
    signature = vault().sign("code", "42")
    assert vault().signed_by("code", "42", signature)
    assert not vault().signed_by("unsubscribe", "42", signature)
    assert not vault().signed_by("code", "43", signature)
    content = json.loads((home / "secrets.json").read_text())
    assert len(set(content["purposes"].values())) == len(content["purposes"])


def test_missing_and_broken_secrets_are_said_in_one_line(tmp_path) -> None:
    with pytest.raises(Misconfigured, match="run `vagus up` once"):
        load(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text('{"primary": "k1"}')
    with pytest.raises(Misconfigured, match="restore it from a backup"):
        load(tmp_path / "broken.json")


def test_a_vault_does_not_print_its_keys(home) -> None:
    assert "b'" not in repr(vault())

"""The encryption of the vault."""

import hashlib

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from common.values.ids import new_id
from tickets.testing import FINGERPRINT_KEY, VAULT_KEY
from tickets.vault_keys import CannotOpen, VaultKeys

NEW_KEY = "c3" * 32
ENTRY = new_id()
FILE = b"%PDF-1.7 the original" * 50
CODES = b'[["qr", "PAYLOAD"]]'


def vault_keys(
    vault_key: str = VAULT_KEY, previous: str | None = None, fingerprint_key: str = FINGERPRINT_KEY
) -> VaultKeys:
    return VaultKeys(
        SecretStr(vault_key), SecretStr(previous) if previous else None, SecretStr(fingerprint_key)
    )


KEYS = vault_keys()


def unreadable() -> float:
    """Return the metric of failed attempts to open a file."""
    return REGISTRY.get_sample_value("vault_files_unreadable_total") or 0


def test_sealed_file_opens_and_contains_nothing_readable() -> None:
    sealed = KEYS.seal(ENTRY, FILE, CODES)
    assert KEYS.open_file(ENTRY, sealed.wrapped_key, sealed.file) == FILE
    assert KEYS.open_codes(ENTRY, sealed.wrapped_key, sealed.codes) == CODES
    assert b"PDF" not in sealed.file
    assert b"PAYLOAD" not in sealed.codes
    assert sealed.digest not in {hashlib.sha256(data).hexdigest() for data in (FILE, CODES)}


def test_same_file_is_encrypted_differently_each_time() -> None:
    first, second = KEYS.seal(ENTRY, FILE, CODES), KEYS.seal(ENTRY, FILE, CODES)
    assert first.wrapped_key != second.wrapped_key
    assert first.file != second.file
    assert first.digest != second.digest


def test_parts_of_another_entry_or_kind_do_not_open() -> None:
    sealed = KEYS.seal(ENTRY, FILE, CODES)
    other = new_id()
    with pytest.raises(CannotOpen):
        KEYS.open_file(other, sealed.wrapped_key, sealed.file)
    with pytest.raises(CannotOpen):
        KEYS.open_file(ENTRY, sealed.wrapped_key, sealed.codes)
    with pytest.raises(CannotOpen):
        KEYS.open_codes(ENTRY, KEYS.seal(ENTRY, FILE, CODES).wrapped_key, sealed.codes)


@pytest.mark.parametrize("position", [0, 12, -1])
def test_changed_byte_does_not_open(position: int) -> None:
    sealed = KEYS.seal(ENTRY, FILE, CODES)
    file, wrapped_key = bytearray(sealed.file), bytearray(sealed.wrapped_key)
    file[position] ^= 1
    wrapped_key[position] ^= 1
    with pytest.raises(CannotOpen):
        KEYS.open_file(ENTRY, sealed.wrapped_key, bytes(file))
    with pytest.raises(CannotOpen):
        KEYS.open_file(ENTRY, bytes(wrapped_key), sealed.file)


@pytest.mark.parametrize("data", [b"", b"short"])
def test_truncated_part_does_not_open(data: bytes) -> None:
    sealed = KEYS.seal(ENTRY, FILE, CODES)
    with pytest.raises(CannotOpen):
        KEYS.open_file(ENTRY, sealed.wrapped_key, data)


def test_another_key_does_not_open() -> None:
    sealed = KEYS.seal(ENTRY, FILE, CODES)
    before = unreadable()
    with pytest.raises(CannotOpen):
        vault_keys(NEW_KEY).open_file(ENTRY, sealed.wrapped_key, sealed.file)
    assert unreadable() == before + 1, "an alert depends on this"


def test_previous_key_opens_and_is_never_used_to_seal() -> None:
    sealed = KEYS.seal(ENTRY, FILE, CODES)
    rotating = vault_keys(NEW_KEY, previous=VAULT_KEY)
    assert rotating.open_file(ENTRY, sealed.wrapped_key, sealed.file) == FILE
    new = rotating.seal(ENTRY, FILE, CODES)
    assert vault_keys(NEW_KEY).open_file(ENTRY, new.wrapped_key, new.file) == FILE


def test_rewrapped_key_opens_the_same_file_under_the_new_key_alone() -> None:
    sealed = KEYS.seal(ENTRY, FILE, CODES)
    rotating = vault_keys(NEW_KEY, previous=VAULT_KEY)
    wrapped_key = rotating.rewrap(ENTRY, sealed.wrapped_key)
    assert wrapped_key is not None
    assert vault_keys(NEW_KEY).open_file(ENTRY, wrapped_key, sealed.file) == FILE
    assert rotating.rewrap(ENTRY, wrapped_key) is None
    with pytest.raises(CannotOpen):
        vault_keys("d4" * 32, previous=NEW_KEY).rewrap(ENTRY, sealed.wrapped_key)


def test_fingerprint_needs_the_key_and_differs_by_code_and_symbology() -> None:
    fingerprint = KEYS.fingerprint("qr", b"PAYLOAD")
    assert fingerprint == vault_keys(NEW_KEY).fingerprint("qr", b"PAYLOAD")
    others = {
        vault_keys(fingerprint_key=NEW_KEY).fingerprint("qr", b"PAYLOAD"),
        KEYS.fingerprint("aztec", b"PAYLOAD"),
        KEYS.fingerprint("qr", b"payload"),
        KEYS.fingerprint_of_content(b"PAYLOAD"),
        hashlib.sha256(b"PAYLOAD").hexdigest(),
        hashlib.sha256(b"qr\0PAYLOAD").hexdigest(),
    }
    assert len(others) == 6
    assert fingerprint not in others

import hashlib
from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from proctor.reports.checkpoints import (
    Checkpoint,
    NotANote,
    NoteKey,
    Signs,
    checkpoint_of,
    cosigned,
    opened,
    signed,
    witnessed_at,
)

pytestmark = pytest.mark.unit

LOG, WITNESS = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
HEAD = Checkpoint("uni.example/log", 7, hashlib.sha256(b"root").digest())
LOG_KEY = NoteKey(HEAD.origin, LOG.public_key().public_bytes_raw(), Signs.CHECKPOINTS)
WITNESS_KEY = NoteKey(
    "other.example/witness", WITNESS.public_key().public_bytes_raw(), Signs.COSIGNATURES
)
NOTE = cosigned(signed(HEAD, LOG), WITNESS_KEY.name, WITNESS, 1_790_000_000)


def test_published_key_has_the_published_id() -> None:
    # the example key of golang.org/x/mod/sumdb/note
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key = NoteKey.of(text)
    assert (key.name, key.signs, key.text) == ("PeterNeumann", Signs.CHECKPOINTS, text)


def test_cosigned_checkpoint_has_the_lines_of_the_formats() -> None:
    origin, size, root, empty, log_line, witness_line, end = NOTE.split("\n")
    assert (origin, size, b64decode(root), empty, end) == (HEAD.origin, "7", HEAD.root, "", "")
    mark, name, signature = log_line.split(" ")
    assert (mark, name, len(b64decode(signature))) == ("—", HEAD.origin, 4 + 64)
    mark, name, signature = witness_line.split(" ")
    assert (mark, name, len(b64decode(signature))) == ("—", WITNESS_KEY.name, 4 + 8 + 64)
    message = f"cosignature/v1\ntime 1790000000\n{HEAD.text}".encode()
    WITNESS.public_key().verify(b64decode(signature)[12:], message)


def test_both_signatures_are_found_by_their_keys() -> None:
    assert opened(NOTE, LOG_KEY) == HEAD
    assert witnessed_at(NOTE, NoteKey.of(WITNESS_KEY.text)) == 1_790_000_000


@pytest.mark.parametrize("at", range(0, len(NOTE) - 1, 3))
def test_a_changed_character_breaks_one_of_them(at: int) -> None:
    changed = NOTE[:at] + ("A" if NOTE[at] != "A" else "B") + NOTE[at + 1 :]
    with pytest.raises(NotANote):
        assert opened(changed, LOG_KEY) == HEAD
        assert witnessed_at(changed, WITNESS_KEY) == 1_790_000_000


def test_a_key_signs_for_nobody_else() -> None:
    for key in (
        NoteKey("third.example/witness", WITNESS_KEY.public, Signs.COSIGNATURES),
        NoteKey(WITNESS_KEY.name, LOG_KEY.public, Signs.COSIGNATURES),
        LOG_KEY,
    ):
        with pytest.raises(NotANote):
            witnessed_at(NOTE, key)
    with pytest.raises(NotANote):
        opened(NOTE, NoteKey(HEAD.origin, WITNESS_KEY.public, Signs.CHECKPOINTS))


@pytest.mark.parametrize(
    "text", ["", "a", "a+b+c", "a+00000000+AQ==", LOG_KEY.text.replace("+", " +", 1)]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(NotANote):
        NoteKey.of(text)


@given(st.text())
def test_any_text_is_a_checkpoint_or_refused(text: str) -> None:
    for read in (checkpoint_of, NoteKey.of):
        try:
            read(text)
        except NotANote:
            continue

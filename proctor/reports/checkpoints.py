"""Roots of a log that others sign: checkpoints and cosignatures as texts.

The formats are those of C2SP (signed-note, tlog-checkpoint, tlog-cosignature, tlog-witness), so
that a public witness understands a request and a public verifier an answer.
"""

import hashlib
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_MARK = "— "
_NAME = re.compile(r"[^\s+]{1,200}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class NotANote(ValueError):
    """The text is no checkpoint, or no signature of this key over it."""


class Signs(IntEnum):
    """What a key signs, as the byte before it."""

    CHECKPOINTS = 0x01
    COSIGNATURES = 0x04


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public Ed25519 key and the name it signs under."""

    name: str
    public: bytes
    signs: Signs

    @property
    def text(self) -> str:
        """The key as it is handed over: ``name+id+key``."""
        key = b64encode(bytes([self.signs]) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{key}"

    @property
    def id(self) -> bytes:
        """Four bytes beside each signature, by which it is found."""
        named = self.name.encode() + b"\n" + bytes([self.signs]) + self.public
        return hashlib.sha256(named).digest()[:4]

    @classmethod
    def of(cls, text: str) -> Self:
        """The key in *text*. Raises NotANote."""
        name, *rest = text.strip().split("+", 2)
        if len(rest) != 2 or not _NAME.fullmatch(name):
            raise NotANote("not a key: name+id+key")
        kind, *public = _bytes(rest[1])
        if kind not in set(Signs) or len(public) != 32:
            raise NotANote("not an Ed25519 key for checkpoints or cosignatures")
        key = cls(name, bytes(public), Signs(kind))
        if key.id.hex() != rest[0]:
            raise NotANote("the id does not belong to the key")
        return key


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The root over the first *size* entries of the log called *origin*."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


def signed(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """The note of a log over its own root."""
    named = NoteKey(checkpoint.origin, key.public_key().public_bytes_raw(), Signs.CHECKPOINTS)
    signature = key.sign(checkpoint.text.encode())
    return f"{checkpoint.text}\n{_line(named, signature)}"


def cosigned(note: str, name: str, key: Ed25519PrivateKey, at: int) -> str:
    """*note* with the signature of a witness below. ``at``: seconds since 1970."""
    named = NoteKey(name, key.public_key().public_bytes_raw(), Signs.COSIGNATURES)
    signature = key.sign(_attested(checkpoint_of(note), at))
    return note + _line(named, at.to_bytes(8) + signature)


def checkpoint_of(note: str) -> Checkpoint:
    """What is signed in *note*; the signatures are not looked at. Raises NotANote."""
    text, _, _ = note.partition("\n\n")
    origin, *rest = text.split("\n")
    if len(rest) != 2 or not _NAME.fullmatch(origin) or not _SIZE.fullmatch(rest[0]):
        raise NotANote("not a checkpoint")
    root = _bytes(rest[1])
    if len(root) != hashlib.sha256().digest_size:
        raise NotANote("not the root of a log")
    return Checkpoint(origin, int(rest[0]), root)


def opened(note: str, by: NoteKey) -> Checkpoint:
    """The checkpoint in *note*, signed by the log whose key is *by*. Raises NotANote."""
    checkpoint = checkpoint_of(note)
    if by.signs is not Signs.CHECKPOINTS or checkpoint.origin != by.name:
        raise NotANote("signed by another log")
    _check(by, _signature(note, by), checkpoint.text.encode())
    return checkpoint


def witnessed_at(note: str, by: NoteKey) -> int:
    """When the witness whose key is *by* signed *note*, in seconds since 1970. Raises NotANote."""
    if by.signs is not Signs.COSIGNATURES:
        raise NotANote("not the key of a witness")
    told = _signature(note, by)
    at = int.from_bytes(told[:8])
    _check(by, told[8:], _attested(checkpoint_of(note), at))
    return at


def _attested(checkpoint: Checkpoint, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{checkpoint.text}".encode()


def _line(key: NoteKey, signature: bytes) -> str:
    return f"{_MARK}{key.name} {b64encode(key.id + signature).decode()}\n"


def _signature(note: str, key: NoteKey) -> bytes:
    for line in note.partition("\n\n")[2].splitlines():
        name, _, encoded = line.removeprefix(_MARK).partition(" ")
        if line.startswith(_MARK) and name == key.name:
            told = _bytes(encoded)
            if told[:4] == key.id:
                return told[4:]
    raise NotANote(f"{key.name} did not sign it")


def _check(key: NoteKey, signature: bytes, message: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except InvalidSignature:
        raise NotANote(f"the signature of {key.name} does not fit") from None


def _bytes(encoded: str) -> bytes:
    try:
        found = b64decode(encoded, validate=True)
    except (NotBase64, ValueError):
        raise NotANote("not base64") from None
    if not found:
        raise NotANote("not base64")
    return found

"""Templates turned by a secret: as alike as before, and of no use to who has only them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from biometrics.types import TEMPLATE_SIZE, Template

_UNIFORMS = 2 * TEMPLATE_SIZE * TEMPLATE_SIZE


@dataclass(frozen=True, eq=False)
class Rotation:
    """An orthogonal matrix, shape (128, 128). Lengths, angles and distances stay what they are.

    Templates turned by two different rotations are unrelated; comparing them says nothing, and
    the model id does not tell them apart: whoever stores them stores which rotation it was.
    Source: ISO/IEC 24745, renewability and unlinkability.
    """

    matrix: NDArray[np.float64]

    @classmethod
    def from_key(cls, key: bytes) -> Self:
        """The rotation that *key* stands for, drawn evenly from all of them.

        Raises ValueError for fewer than 32 bytes.
        """
        if len(key) < 32:
            raise ValueError("a rotation needs a key of 32 bytes")
        drawn = hashlib.shake_256(b"template rotation" + key).digest(8 * _UNIFORMS)
        # from (0, 1], since the logarithm of zero is infinite
        uniform = (np.frombuffer(drawn, "<u8").astype(np.float64) + 1.0) / 2.0**64
        radius, turn = np.sqrt(-2.0 * np.log(uniform[::2])), 2.0 * np.pi * uniform[1::2]
        normal = (radius * np.cos(turn)).reshape(TEMPLATE_SIZE, TEMPLATE_SIZE)
        q, r = np.linalg.qr(normal)
        # the signs make the decomposition unique, whatever library computes it
        return cls(q * np.sign(np.diag(r)))

    @classmethod
    def none(cls) -> Self:
        """The rotation that leaves everything as it is."""
        return cls(np.eye(TEMPLATE_SIZE))

    def apply(self, template: Template) -> Template:
        return replace(template, vector=(self.matrix @ template.vector).astype(np.float32))

    def then(self, later: "Rotation") -> "Rotation":
        """This rotation, then *later*."""
        return Rotation(later.matrix @ self.matrix)

    def undone(self) -> "Rotation":
        return Rotation(self.matrix.T)


def renew(templates: Sequence[Template], old: Rotation, new: Rotation) -> list[Template]:
    """Templates turned by *old*, now turned by *new*; in one step, never as they were measured."""
    step = old.undone().then(new)
    return [step.apply(template) for template in templates]

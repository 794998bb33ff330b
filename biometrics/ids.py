"""The identity of a trained model, held by every template and observation made with it."""

from dataclasses import dataclass
from typing import Final, Self

#: before the number of an institution's own calibration, at the end of what its scores are named by
OWN: Final = "+own"


@dataclass(frozen=True, order=True)
class ModelId:
    """Name and version of a trained model; templates of different ids never compare."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"

    def calibrated(self, number: int) -> Self:
        """What scores are named by that an institution's own calibration made of this model's."""
        return type(self)(self.name, f"{self.version}{OWN}{number}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The id written as ``name/version``. Raises ValueError for anything else."""
        name, separator, version = text.partition("/")
        if not (name and separator and version):
            raise ValueError("a model id is written name/version")
        return cls(name, version)

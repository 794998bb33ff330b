"""The identity of a trained model, held by every template and observation made with it."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, order=True)
class ModelId:
    """Name and version of a trained model; templates of different ids never compare."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The id written as ``name/version``. Raises ValueError for anything else."""
        name, separator, version = text.partition("/")
        if not (name and separator and version):
            raise ValueError("a model id is written name/version")
        return cls(name, version)

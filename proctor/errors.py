"""What a caller or a person did wrong, by name; the docstring of each class is its message."""


class ProctorError(Exception):
    """The request could not be carried out."""

    #: catalogue key of the sentence shown to a person
    key = "error.generic"

    def __init__(self, **ids: str | int | float) -> None:
        self.ids = ids
        super().__init__(type(self).__doc__)


class NotFound(ProctorError):
    """There is nothing here that you may see."""

    key = "error.not_found"


class Refused(ProctorError):
    """The input is not acceptable."""

    key = "error.refused"


class Conflict(ProctorError):
    """The state of the thing does not allow this now."""

    key = "error.conflict"


class Unavailable(ProctorError):
    """The service cannot do this now; nothing was lost."""

    key = "error.unavailable"

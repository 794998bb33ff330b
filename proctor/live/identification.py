"""Whether the person at the exam is established: by the face, or by a proctor's eye."""

from typing import Any

from proctor.live.faces import FaceWatch


class Identification:
    """``is_admitted``: whether a proctor checked the person's document by eye."""

    def __init__(self, faces: FaceWatch, *, is_admitted: bool) -> None:
        self._faces = faces
        self.is_admitted = is_admitted

    @property
    def is_established(self) -> bool:
        return self.is_admitted or self._faces.is_established

    @property
    def waits_for_admission(self) -> bool:
        """Whether only a person can let the student in."""
        return not self.is_established and self._faces.attempts_left == 0

    def message(self, hint: str | None = None) -> dict[str, Any]:
        """How it stands, for the student's page."""
        left, asking = self._faces.attempts_left, self._faces.challenge
        message = {"type": "identity", "hint": hint, "attempts_left": left}
        if self.is_established:
            state = "verified"
        elif left == 0:
            state = "manual"
        elif self._faces.is_refused:
            state = "failed"
        elif asking is not None:
            state = "challenge"
            message |= {"ask": asking.ask, "step": asking.step, "steps": asking.steps}
        else:
            state = "looking"
        return message | {"state": state}

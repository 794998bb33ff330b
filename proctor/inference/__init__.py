"""Pictures in, what worker processes measured on them out: the sole opener of models.

``pool`` is imported by its own name: worker processes import this package, and would hold what only
the service needs.
"""

from models.registry import ModelRefused
from proctor.inference.opened import Backend, OwnPad, face_comparison, keystroke_verifier
from proctor.inference.seen import FaceFinding, FailedLook, FrameAssessment, Looks

__all__ = [
    "Backend",
    "FaceFinding",
    "FailedLook",
    "FrameAssessment",
    "Looks",
    "ModelRefused",
    "OwnPad",
    "face_comparison",
    "keystroke_verifier",
]

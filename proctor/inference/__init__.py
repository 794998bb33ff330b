"""Pictures in, what worker processes measured on them out: the sole opener of models."""

from models.registry import ModelRefused
from proctor.inference.opened import Backend, OwnPad, face_comparison, keystroke_verifier
from proctor.inference.pool import InferencePool
from proctor.inference.seen import FaceFinding, FailedLook, FrameAssessment, Looks

__all__ = [
    "Backend",
    "FaceFinding",
    "FailedLook",
    "FrameAssessment",
    "InferencePool",
    "Looks",
    "ModelRefused",
    "OwnPad",
    "face_comparison",
    "keystroke_verifier",
]

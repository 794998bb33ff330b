"""One assessed camera frame in; what is known about the face, and what is not, out."""

from dataclasses import dataclass

from biometrics.types import Box
from proctor.analysis.scene import Scene
from proctor.identity.checks import FaceIdentity, FaceProbe, ProbePlan
from proctor.inference import FaceFinding, FrameAssessment, Looks
from proctor.observations import Check, NotAssessed, Observation

#: NotAssessed of the comparison with the reference, beside Check.FACE for the whole frame
IDENTITY = "identity"
#: NotAssessed of the dearer looks, named as in Looks, each beside the others
DEARER = ("far", "gaze", "things", "presentation")
#: name of what the institution's own PAD network says, and of its failure
OWN_PAD = "pad_network"
_FAILED = "assessment_failed"


@dataclass(frozen=True, slots=True)
class FaceFindings:
    """``items``: facts in order. ``probe``: the comparison, when one was made.

    ``unprobed``: why a comparison that was due could not be made. ``box``: of the largest face, in
    shares of the picture.
    """

    items: tuple[Observation | NotAssessed, ...]
    probe: FaceProbe | None = None
    unprobed: str | None = None
    box: Box | None = None


def observe(
    seen: FrameAssessment | NotAssessed,
    identity: FaceIdentity | None,
    plan: ProbePlan,
    scene: Scene,
    *,
    probe_due: bool,
    at_s: float,
    jitter: float,
) -> FaceFindings:
    """Facts of one frame. ``jitter`` in [0, 1) spreads the next planned comparison."""
    if isinstance(seen, NotAssessed):
        return FaceFindings((NotAssessed(Check.FACE, seen.reason, at_s),), unprobed=seen.reason)
    items: list[Observation | NotAssessed] = [
        _camera(seen, scene.take(seen), scene.repeats(seen, at_s), at_s),
        *_faces(seen, at_s),
        *_gaze(seen, scene, at_s),
        *_things(seen, scene, at_s),
        *_presentation(seen, scene, at_s),
        *_own_pad(seen, at_s),
    ]
    failed = {each.look for each in seen.failed}
    items += [NotAssessed(look, _FAILED, at_s) for look in (*DEARER, OWN_PAD) if look in failed]
    largest = seen.faces[0] if seen.faces else None
    box = _scaled(largest, seen) if largest else None
    plan.saw(box, at_s)
    if identity is None or not probe_due:
        return FaceFindings(tuple(items), box=box)
    reason = _why_not(seen, largest)
    if reason is not None or largest is None or largest.template is None:
        why = reason or (_FAILED if "embed" in failed else "no_template")
        items.append(NotAssessed(IDENTITY, why, at_s))
        return FaceFindings(tuple(items), unprobed=why, box=box)
    probe = identity.add(largest.template)
    plan.probed(probe.decision, at_s, jitter)
    items.append(_identity(probe, at_s))
    return FaceFindings(tuple(items), probe=probe, box=box)


def missed(looks: Looks, reason: str, at_s: float) -> tuple[NotAssessed, ...]:
    """The dearer looks that a frame was due for, when nothing is known of it."""
    return tuple(NotAssessed(look, reason, at_s) for look in DEARER if getattr(looks, look))


def _camera(seen: FrameAssessment, still: bool, repeats: bool, at_s: float) -> Observation:
    quality = seen.quality
    values: dict[str, float | int | bool | str] = {
        "covered": quality.covered,
        "dark": quality.dark,
        "still": still,
        "repeats": repeats,
        "brightness": round(quality.brightness, 1),
    }
    return Observation(Check.FACE, "camera", at_s, values)


def _faces(seen: FrameAssessment, at_s: float) -> tuple[Observation, ...]:
    """Nothing of a covered picture, in which nobody looked for any."""
    if seen.quality.covered:
        return ()
    size = min(seen.faces[0].box.width, seen.faces[0].box.height) if seen.faces else 0.0
    count = len(seen.faces) + (seen.far_faces or 0)
    values: dict[str, float | int | bool | str] = {"count": count, "box_px": round(size)}
    if seen.far_faces is not None:
        values["far"] = True
    return (Observation(Check.FACE, "faces", at_s, values),)


def _gaze(seen: FrameAssessment, scene: Scene, at_s: float) -> tuple[Observation, ...]:
    """Nothing while the person's own direction is not known yet, or the eyes are closed."""
    away = None if seen.gaze is None else scene.is_away(seen.gaze)
    if away is None:
        return ()
    return (Observation(Check.FACE, "gaze", at_s, {"away": away}),)


def _things(seen: FrameAssessment, scene: Scene, at_s: float) -> tuple[Observation, ...]:
    if seen.things is None:
        return ()
    return (Observation(Check.FACE, "things", at_s, {"phone": scene.shows_phone(seen.things)}),)


def _presentation(seen: FrameAssessment, scene: Scene, at_s: float) -> tuple[Observation, ...]:
    if seen.presentation is None:
        return ()
    values: dict[str, float | int | bool | str] = {
        "screen": scene.shows_screen(seen.presentation),
        "edges": seen.presentation.edges,
    }
    return (Observation(Check.FACE, "presentation", at_s, values),)


def _own_pad(seen: FrameAssessment, at_s: float) -> tuple[Observation, ...]:
    """What another network says opens nothing: its errors here are not known."""
    if seen.liveness is None:
        return ()
    values: dict[str, float | int | bool | str] = {
        "live": round(seen.liveness.score, 3),
        "network": str(seen.liveness.model_id),
    }
    return (Observation(Check.FACE, OWN_PAD, at_s, values),)


def _identity(probe: FaceProbe, at_s: float) -> Observation:
    values: dict[str, float | int | bool | str] = {
        "result": probe.decision,
        "score": round(probe.score.score, 4),
        "llr": round(probe.score.llr, 2),
    }
    return Observation(Check.FACE, "identity", at_s, values)


def _why_not(seen: FrameAssessment, largest: FaceFinding | None) -> str | None:
    if seen.quality.covered:
        return "covered"
    if seen.quality.dark:
        return "dark"
    if largest is None:
        return "no_face"
    if largest.too_small:
        return "too_small"
    return "blurred" if seen.quality.blurred else None


def _scaled(face: FaceFinding, seen: FrameAssessment) -> Box:
    """The box in shares of the picture: a browser may change its resolution at any time."""
    box = face.box
    return Box(
        box.left / seen.width,
        box.top / seen.height,
        box.width / seen.width,
        box.height / seen.height,
    )

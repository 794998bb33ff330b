"""The camera of one sitting looked at: one frame in, facts and a comparison out."""

import random
from dataclasses import dataclass

from proctor.analysis import face
from proctor.analysis.scene import Scene
from proctor.identity import enrolment
from proctor.identity.checks import FaceIdentity, FaceProbe, ProbePlan
from proctor.identity.tables import CheckResult, IdentityCheck, Modality
from proctor.inference import InferencePool
from proctor.media.frames import EncodedFrame
from proctor.observations import NotAssessed, Observation


@dataclass(frozen=True)
class Look:
    """What one frame showed. ``check``: the comparison that was due; ``hint``: for the student."""

    items: tuple[Observation | NotAssessed, ...]
    check: IdentityCheck | None
    hint: str | None


class FaceWatch:
    """Compares the faces of one sitting with its reference, as often as the plan wants.

    ``identity``: None without a reference or without consent to compare. Times are on the
    recording clock.
    """

    def __init__(
        self, inference: InferencePool, sitting_id: str, identity: FaceIdentity | None
    ) -> None:
        self._inference = inference
        self._sitting_id = sitting_id
        self._identity = identity
        self._plan, self._scene = ProbePlan(), Scene()
        self._jitter = random.Random(sitting_id)

    @property
    def is_established(self) -> bool:
        return self._identity is not None and self._identity.is_established

    @property
    def attempts_left(self) -> int:
        return self._identity.attempts_left if self._identity else 0

    @property
    def is_refused(self) -> bool:
        """Whether the faces so far were another person's."""
        return self._identity is not None and self._identity.decision == "no_match"

    def compare_at_once(self) -> None:
        """Compare the next face, whatever the plan said."""
        self._plan = ProbePlan()

    async def look(self, frame: EncodedFrame, at_s: float) -> Look:
        due = self._identity is not None and self._plan.wants_probe(at_s)
        looks = self._scene.due(at_s, embed=due, load=self._inference.load)
        seen = await self._inference.assess_frame(frame.codec, frame.data, looks)
        found = face.observe(
            seen,
            self._identity,
            self._plan,
            self._scene,
            probe_due=due,
            at_s=at_s,
            jitter=self._jitter.random(),
        )
        check = self._check(found.probe, found.unprobed, at_s) if due else None
        hints = enrolment.face_hints(seen)
        return Look(found.items, check, hints[0] if hints else None)

    def _check(self, probe: FaceProbe | None, reason: str | None, at_s: float) -> IdentityCheck:
        check = IdentityCheck(
            sitting_id=self._sitting_id, modality=Modality.FACE, at_s=at_s, reason=reason
        )
        if probe is None:
            check.result = CheckResult.NOT_ASSESSED
        else:
            check.result = probe.result
            check.score, check.llr = probe.score.score, probe.score.llr
            check.model_id = str(probe.score.model_id)
        return check

"""The camera of one sitting looked at: one frame in, facts and a comparison out."""

import random
from dataclasses import dataclass, replace

from proctor.analysis import face
from proctor.analysis.scene import Scene
from proctor.identity import challenge, enrolment
from proctor.identity.checks import FaceIdentity, FaceProbe, ProbePlan
from proctor.identity.tables import CheckResult, IdentityCheck, Modality
from proctor.inference.pool import InferencePool
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

    ``identity``: None without a reference or without consent to compare. ``movements``: asked for
    before the start, once the face matches; 0 for none. ``chance``: picks them, None for the
    system's, which nobody can foresee. Times are on the recording clock.
    """

    def __init__(
        self,
        inference: InferencePool,
        sitting_id: str,
        identity: FaceIdentity | None,
        movements: int = 0,
        chance: random.Random | None = None,
    ) -> None:
        self._inference = inference
        self._sitting_id = sitting_id
        self._identity = identity
        self._plan, self._scene = ProbePlan(), Scene()
        self._jitter = random.Random(sitting_id)
        self._movements = movements
        self._chance = chance or random.SystemRandom()
        self._tries_left = challenge.TRIES
        self.challenge: challenge.Challenge | None = None

    @property
    def is_established(self) -> bool:
        """Whether it is the enrolled person, and has moved as asked."""
        matches = self._identity is not None and self._identity.is_established
        return matches and (self._movements == 0 or self._has_moved)

    @property
    def attempts_left(self) -> int:
        """Tries before a person has to look: of the comparison, or of the movements."""
        if self._identity is None or self._tries_left == 0:
            return 0
        # a comparison that wavers while somebody moves uses up none of theirs
        return self._identity.attempts_left if self.challenge is None else self._tries_left

    @property
    def is_refused(self) -> bool:
        """Whether the faces so far were another person's."""
        return self._identity is not None and self._identity.decision == "no_match"

    def decline_challenge(self) -> None:
        """Whoever cannot move as asked is looked at by a person."""
        if self._movements and not self._has_moved:
            self._tries_left, self.challenge = 0, None

    def forget(self) -> None:
        """Compare with nobody from now on: the person takes the consent to it back."""
        self._identity, self.challenge = None, None

    def compare_at_once(self) -> None:
        """Compare the next face, whatever the plan said."""
        self._plan = ProbePlan()

    async def look(self, frame: EncodedFrame, at_s: float) -> Look:
        asking = self._asking(at_s)
        due = self._identity is not None and self._is_due(asking, at_s)
        looks = self._scene.due(at_s, embed=due, load=self._inference.load)
        looks = replace(looks, gaze=True) if asking else looks
        seen = await self._inference.assess_frame(frame.codec, frame.data, looks)
        gaze = None if isinstance(seen, NotAssessed) else seen.gaze
        due = due and (asking is None or asking.compares(gaze))
        found = face.observe(
            seen,
            self._identity,
            self._plan,
            self._scene,
            probe_due=due,
            at_s=at_s,
            jitter=self._jitter.random(),
        )
        if asking is not None:
            same = None if found.probe is None else found.probe.result is CheckResult.MATCH
            asking.take(gaze, at_s, found.box, same)
        check = self._check(found.probe, found.unprobed, at_s) if due else None
        hints = enrolment.face_hints(seen)
        items = found.items
        if isinstance(seen, NotAssessed):
            items += face.missed(looks, seen.reason, at_s)
        elif seen.quality.covered:
            items += face.missed(looks, "covered", at_s)
        return Look(items, check, hints[0] if hints else None)

    @property
    def _has_moved(self) -> bool:
        return self.challenge is not None and self.challenge.outcome == "passed"

    def _is_due(self, asking: challenge.Challenge | None, at_s: float) -> bool:
        """Whoever moves is compared at each look, or another one would move for them."""
        return self._plan.wants_probe(at_s) if asking is None else asking.compares(None)

    def _asking(self, at_s: float) -> challenge.Challenge | None:
        """The try that is on; the next one begins with other movements."""
        if self._movements == 0 or self._has_moved or self._tries_left == 0:
            return None
        if self.challenge is not None and self.challenge.outcome == "failed":
            self.challenge, self._tries_left = None, self._tries_left - 1
            if self._identity is not None:
                self._identity.renew_attempts()
            return None
        if self.challenge is None and self._identity is not None and self._identity.is_established:
            asked = challenge.choose(self._movements, self._chance)
            self.challenge = challenge.Challenge(asked, at_s, self._chance)
        return self.challenge

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

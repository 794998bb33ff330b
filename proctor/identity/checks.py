"""Is it still the enrolled person? One sequential decision over the faces of a sitting.

Templates of probes enter, comparison scores and the current decision leave.
"""

from collections import deque
from dataclasses import dataclass, replace

from biometrics.calibration import SequentialTest
from biometrics.cohort import CentredComparison
from biometrics.comparison import ComparisonScore, FaceComparison
from biometrics.protection import Rotation
from biometrics.types import Box, Template, mean_template
from proctor.identity.tables import CheckResult

ESTABLISHED_AFTER = 3
# the mean of several probes carries less of one frame's light and pose than each of them
_AVERAGED = 4
PROBES_PER_ATTEMPT = 8
ATTEMPTS = 3
PERIOD_S = 6.0
# a face that moved further than this between two seconds may be another one
SAME_TRACK_IOU = 0.35
_AFTER_ABSENCE_S = 3.0


@dataclass(frozen=True, slots=True)
class FaceProbe:
    """One comparison: the frame's own result, and the decision over all probes so far."""

    score: ComparisonScore
    result: CheckResult
    decision: str


class FaceIdentity:
    """The sequential test of one sitting. ``decision``: match, no_match or undecided.

    It stays at no_match until the evidence against the reference is used up again. Scores that
    speak neither against the reference nor reach the operating point leave it undecided: they add
    up to doubt, which only scores above the operating point wear down.
    """

    def __init__(
        self,
        comparison: FaceComparison | CentredComparison,
        reference: Template,
        rotation: Rotation | None = None,
    ) -> None:
        """``rotation``: what *reference* is turned by, None when it is as measured."""
        self._comparison = comparison
        self._reference = reference
        self._rotation = rotation
        self._test, self._doubt = SequentialTest(), SequentialTest()
        self._matched_in_a_row = 0
        self._probes = 0
        self._newest: deque[Template] = deque(maxlen=PROBES_PER_ATTEMPT)
        self.decision = "undecided"

    @property
    def is_established(self) -> bool:
        """Whether it is the enrolled person: enough to begin an exam.

        Either the newest probes all matched, or the mean of the newest does so at the stricter
        operating point, which helps where single frames lie near the threshold.
        """
        if self.decision == "no_match":
            return False
        in_a_row = self._test.evidence == 0.0 and self._matched_in_a_row >= ESTABLISHED_AFTER
        return in_a_row or self._matches_on_average()

    @property
    def attempts_left(self) -> int:
        return max(0, ATTEMPTS - self._probes // PROBES_PER_ATTEMPT)

    def renew_attempts(self) -> None:
        """Have as many again: something else than the comparison used these up."""
        self._probes = 0

    def add(self, probe: Template) -> FaceProbe:
        """Take one more probe, as measured, into the decision."""
        if self._rotation is not None:
            probe = self._rotation.apply(probe)
        score = self._comparison.compare(self._reference, probe)
        matches = self._comparison.accepts(score, "verification")
        self._probes += 1
        self._newest.append(probe)
        self._matched_in_a_row = self._matched_in_a_row + 1 if matches else 0
        self._test = _after(self._test, score.llr)
        self._doubt = _after(self._doubt, self._comparison.margin(score, "verification"))
        self.decision = self._decide(matches)
        result = CheckResult.MATCH if matches else CheckResult.NO_MATCH
        return FaceProbe(score, result, self.decision)

    def _matches_on_average(self) -> bool:
        if len(self._newest) < _AVERAGED:
            return False
        score = self._comparison.compare(self._reference, mean_template(self._newest))
        return self._comparison.accepts(score, "enrolment")

    def _decide(self, matches: bool) -> str:
        if self._test.is_alarmed:
            return "no_match"
        if self._test.evidence == self._doubt.evidence == 0.0:
            return "match" if matches else "undecided"
        return self.decision if self.decision == "no_match" else "undecided"


def _after(test: SequentialTest, llr: float) -> SequentialTest:
    """*test* after one more probe, never so sure that it takes more than a few to change it."""
    after = test.after(llr)
    return replace(after, evidence=min(after.evidence, after.alarm + after.clip))


class ProbePlan:
    """When to compare: a new or jumped face, after an absence, on doubt, else now and then."""

    def __init__(self) -> None:
        self._box: Box | None = None
        self._seen_s = float("-inf")
        self._due_s = float("-inf")

    def wants_probe(self, at_s: float) -> bool:
        """Whether this frame's face should be encoded, before it is known where the face is."""
        return at_s >= self._due_s

    def saw(self, box: Box | None, at_s: float) -> None:
        """Note the face of a frame; a jump, a new track or an absence asks for a probe now."""
        if box is None:
            return
        is_new = self._box is None or at_s - self._seen_s >= _AFTER_ABSENCE_S
        if is_new or (self._box is not None and self._box.iou(box) < SAME_TRACK_IOU):
            self._due_s = at_s
        self._box, self._seen_s = box, at_s

    def probed(self, decision: str, at_s: float, jitter: float) -> None:
        """Plan the next probe: at once while in doubt. ``jitter`` in [0, 1)."""
        calm = decision == "match"
        self._due_s = at_s + (PERIOD_S * (0.75 + 0.5 * jitter) if calm else 0.0)

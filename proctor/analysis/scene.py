"""What a camera has shown so far: the last picture, the person's own gaze, the slow looks due."""

from collections import deque
from statistics import median

from biometrics.face.sameness import Recurrence, is_same_picture
from biometrics.types import Gaze, Presentation, Thing
from proctor.analysis.sightings import Sightings, is_phone, is_suspect
from proctor.inference import FrameAssessment, Looks

FAR_PERIOD_S, GAZE_PERIOD_S, THINGS_PERIOD_S = 10.0, 2.0, 15.0
# a poster that might be a face is not looked at closely every second
_DOUBT_PERIOD_S = 5.0
# a loop is found now and then, when two passes are looked at at the same moments
_REPEATED_S = 60.0
# the pool's line is half full: the slow looks wait before any student's frame has to
_BUSY = 0.5
_LONGEST_STRETCH = 4.0
# five minutes of looks; a median of fewer than ten says little about where somebody sits
_REMEMBERED, _CALIBRATED = 150, 10
# timed film: from centre to left the iris moves by 0.13, within the centre its sd is 0.02
_IRIS_AWAY = 0.075
_YAW_AWAY_DEG = 25.0


def direction(gaze: Gaze, iris: float, yaw_deg: float) -> str:
    """``left``, ``right`` (of the picture) or ``ahead``, beside where this person mostly looks.

    ``gaze``: with open eyes.
    """
    assert gaze.iris is not None, "closed eyes have no direction"
    for aside, limit in ((gaze.iris - iris, _IRIS_AWAY), (gaze.yaw_deg - yaw_deg, _YAW_AWAY_DEG)):
        if abs(aside) > limit:
            return "left" if aside < 0 else "right"
    return "ahead"


class Scene:
    """The memory of one sitting's camera between two frames."""

    def __init__(self) -> None:
        self._far_s = self._gaze_s = float("-inf")
        self._things_s: float | None = None
        self._company = False
        self._asked_s = self._mistaken_s = float("-inf")
        self._asked_far = False
        self._phones, self._screens = Sightings(), Sightings()
        self._recurrence = Recurrence()
        self._repeated_s = float("-inf")
        self._fingerprint: bytes | None = None
        self._irises: deque[float] = deque(maxlen=_REMEMBERED)
        self._yaws: deque[float] = deque(maxlen=_REMEMBERED)

    def due(self, at_s: float, *, embed: bool, load: float) -> Looks:
        """What to look for at *at_s*. ``load``: how full the pool's line is, 0 to 1.

        The far look and the one for things wait longer the fuller the line; gaze, which needs an
        even rhythm, stops.
        """
        stretch = 1.0 if load < _BUSY else 1.0 + (_LONGEST_STRETCH - 1.0) * (load - _BUSY) / _BUSY
        # somebody behind is looked at again at once, to see whether they stay
        far = self._company or at_s - self._far_s >= FAR_PERIOD_S * stretch
        gaze = load < _BUSY and at_s - self._gaze_s >= GAZE_PERIOD_S - 0.5
        if self._things_s is None:
            # between two far looks, so that hardly any second pays for both
            self._things_s = at_s - THINGS_PERIOD_S + FAR_PERIOD_S / 2
        things = self._phones.are_open or at_s - self._things_s >= THINGS_PERIOD_S * stretch
        self._things_s = at_s if things else self._things_s
        doubtful = load < _BUSY and at_s - self._mistaken_s >= _DOUBT_PERIOD_S
        self._asked_s, self._asked_far = at_s, far
        self._far_s = at_s if far else self._far_s
        self._gaze_s = at_s if gaze else self._gaze_s
        return Looks(
            embed=embed,
            far=far,
            doubtful=doubtful,
            gaze=gaze,
            things=things,
            presentation=things,
        )

    def take(self, seen: FrameAssessment) -> bool:
        """Note a frame; whether it is the picture before it again, though it shows a face.

        Nobody sits so still that a second leaves no trace at all; an empty room may.
        """
        if seen.far_faces is not None:
            self._company = seen.far_faces > 0
            if not self._asked_far and not self._company:
                self._mistaken_s = self._asked_s
        before, self._fingerprint = self._fingerprint, seen.fingerprint
        return bool(seen.faces) and before is not None and is_same_picture(before, seen.fingerprint)

    def shows_phone(self, things: tuple[Thing, ...]) -> bool:
        """Note one look for things; whether the newest looks together show a telephone."""
        return self._phones.take(found=is_phone(things))

    def shows_screen(self, presentation: Presentation) -> bool:
        """Note one look; whether the newest together show a screen or a print held up."""
        return self._screens.take(found=is_suspect(presentation))

    def repeats(self, seen: FrameAssessment, at_s: float) -> bool:
        """Note a frame; whether pictures with a face came back in their order, lately."""
        if seen.faces and self._recurrence.take(seen.fingerprint):
            self._repeated_s = at_s
        return at_s - self._repeated_s < _REPEATED_S

    def is_away(self, gaze: Gaze) -> bool | None:
        """Whether head or eyes point aside of where this person's mostly do; None before that
        is known, and while the eyes are closed.
        """
        if gaze.iris is None:
            return None
        self._irises.append(gaze.iris)
        self._yaws.append(gaze.yaw_deg)
        if len(self._irises) < _CALIBRATED:
            return None
        return direction(gaze, median(self._irises), median(self._yaws)) != "ahead"

"""One sitting as lanes of a drawing: recorded stretches, gaps, incidents, comparisons, messages.

Everything has its place along ``WIDTH`` units of time; the page draws it and adds no facts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from proctor.identity.tables import CheckResult, Modality
from proctor.incidents.kinds import Concern, Kind
from proctor.observations import Track
from proctor.review.dossier import Comparison, IncidentFile
from proctor.shares.evidence import Gap

WIDTH: Final = 1000.0
LANE_HEIGHT: Final = 24
# a moment is drawn so wide that it can be seen
_LEAST_WIDTH: Final = 2.0
# beyond this a comparison is as plain as it gets; natural logarithm
_FULL_LLR: Final = 12.0

LANES: Final[dict[str, frozenset[Kind]]] = {
    "camera": frozenset(
        {
            Kind.CAMERA_COVERED,
            Kind.CAMERA_FROZEN,
            Kind.TOO_DARK,
            Kind.PHONE_VISIBLE,
            Kind.SCREEN_BEFORE_CAMERA,
            Kind.PICTURE_REPEATS,
            Kind.VIRTUAL_CAMERA,
        }
    ),
    "screen": frozenset({Kind.SCREEN_SHARE_LOST}),
    "faces": frozenset({Kind.FACE_ABSENT, Kind.MULTIPLE_FACES, Kind.LOOKING_AWAY}),
    "identity": frozenset({Kind.FACE_MISMATCH, Kind.IDENTITY_NOT_ASSESSED}),
    "typing": frozenset({Kind.TYPING_MISMATCH, Kind.AUTOMATED_TYPING, Kind.PASTE}),
    "browser": frozenset({Kind.PAGE_HIDDEN, Kind.FOCUS_LOST, Kind.FULLSCREEN_LEFT}),
    "gaps": frozenset({Kind.MEDIA_GAP}),
    "messages": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a lane. ``incident_id``: None for a gap in a recording, or what was said;
    ``concern``: None for those and for an incident whose label is not shown yet."""

    x: float
    width: float
    incident_id: str | None = None
    concern: Concern | None = None
    decided: bool = False
    is_said: bool = False


@dataclass(frozen=True, slots=True)
class Lane:
    """``points``: comparisons of the face as ``x,y`` pairs, higher = more alike."""

    name: str
    recorded: bool
    marks: tuple[Mark, ...]
    points: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What the drawing covers, in seconds since the exam began."""

    start_s: float
    end_s: float

    def place(self, at_s: float) -> float:
        """Where a moment lies, from 0 to ``WIDTH``."""
        length = max(self.end_s - self.start_s, 1.0)
        return round(WIDTH * min(1.0, max(0.0, (at_s - self.start_s) / length)), 1)

    def mark(self, start_s: float, end_s: float) -> tuple[float, float]:
        left = self.place(start_s)
        width = max(self.place(end_s) - left, _LEAST_WIDTH)
        return min(left, WIDTH - width), round(width, 1)


def lanes(
    stretch: Stretch,
    incidents: Iterable[IncidentFile],
    gaps: Iterable[Gap],
    checks: Iterable[Comparison],
    said_s: Iterable[float] = (),
    unlabelled: frozenset[str] = frozenset(),
) -> tuple[Lane, ...]:
    """All lanes from top to bottom. ``said_s``: when something was said or done in the sitting.

    Incidents that are ``unlabelled`` all stand with the camera, and no comparisons are shown.
    """
    talk = tuple(Mark(*stretch.mark(at_s, at_s), is_said=True) for at_s in said_s)
    missing = list(gaps)
    everything = list(incidents)
    hidden = [each for each in everything if each.row.id in unlabelled]
    found = [each for each in everything if each.row.id not in unlabelled]
    tracks = {track.value for track in Track}
    return tuple(
        Lane(
            name,
            recorded=name in tracks,
            marks=(
                *(Mark(*stretch.mark(g.start_s, g.end_s)) for g in missing if g.track == name),
                *(_mark(stretch, each, each.concern) for each in found if each.row.kind in kinds),
                *(_mark(stretch, each, None) for each in hidden if name == "camera"),
                *(talk if name == "messages" else ()),
            ),
            points=_points(stretch, checks) if name == "identity" and not hidden else "",
        )
        for name, kinds in LANES.items()
    )


def _mark(stretch: Stretch, found: IncidentFile, concern: Concern | None) -> Mark:
    row = found.row
    end_s = stretch.end_s if row.end_s is None else row.end_s
    x, width = stretch.mark(row.start_s, end_s)
    return Mark(x, width, row.id, concern, bool(found.rulings))


def _points(stretch: Stretch, checks: Iterable[Comparison]) -> str:
    faces = [
        each
        for each in checks
        if each.modality is Modality.FACE
        and each.result is not CheckResult.NOT_ASSESSED
        and each.llr is not None
    ]
    middle = LANE_HEIGHT / 2
    return " ".join(
        f"{stretch.place(each.at_s)},{middle - (middle - 2) * _plainness(each.llr):.1f}"
        for each in faces
    )


def _plainness(llr: float | None) -> float:
    return max(-1.0, min(1.0, (llr or 0.0) / _FULL_LLR))

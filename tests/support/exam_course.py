"""A course on record: three learners, five events, sittings with their evidence."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from proctor.exams.tables import (
    AssessmentEvent,
    AssessmentScheme,
    Course,
    CourseKind,
    EventKind,
    Mode,
    RosterEntry,
    Venue,
)
from proctor.identity.tables import CheckResult, IdentityCheck, Modality
from proctor.incidents.tables import IncidentRow
from proctor.media.tables import MediaGap, Recording
from proctor.observations import Track
from proctor.people.tables import Account, Institution, Role
from proctor.review.tables import Decision, Verdict
from proctor.sittings.tables import Sitting, SittingState

NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
EXAM_S = 90.0
#: of the typing in every sitting
MEASURED: dict[str, float | None] = {
    "typing_speed_kpm": 251.25,
    "key_press_ms": 98.5,
    "pause_within_words_ms": -12.0,
    "pause_between_words_ms": 64.75,
    "rhythm_variation": 0.312,
}
# code, title, kind, weight, identity plan, days from NOW at which its window closes
EVENTS = (
    ("quiz-1", "1-тапсырма", EventKind.MOOC_TASK, "10", [], -30),
    ("quiz-2", "2-тапсырма", EventKind.MOOC_TASK, "10", [], -20),
    ("essay", "Эссе", EventKind.MOOC_TASK, "20", ["keystroke"], -10),
    ("midterm", "Аралық бақылау", EventKind.MIDTERM, "20", ["proctoring", "biometrics"], -5),
    ("final", "Қорытынды емтихан", EventKind.MOOC_FINAL, "40",
     ["proctoring", "biometrics", "keystroke"], 1),
)  # fmt: skip


@dataclass
class ExamCourse:
    """The rows of one course; ``learners`` are Alice, Bob and Dana."""

    tx: Session
    institution: Institution
    course: Course
    scheme: AssessmentScheme
    office: Account
    reviewers: list[Account]
    learners: list[Account]
    events: dict[str, AssessmentEvent] = field(default_factory=dict)

    def sit(
        self,
        learner: Account,
        code: str,
        *,
        state: SittingState = SittingState.FINISHED,
        recorded_s: float = EXAM_S,
        keys: CheckResult | None = CheckResult.MATCH,
        faces: Sequence[CheckResult] = (CheckResult.MATCH,) * 3,
        identified_via: str | None = "face",
        attempt: int = 1,
    ) -> Sitting:
        """A sitting of 90 seconds; honest and fully recorded unless told otherwise."""
        started = NOW - timedelta(hours=2)
        sitting = Sitting(
            event_id=self.events[code].id,
            account_id=learner.id,
            attempt=attempt,
            state=state,
            sign_in_id="0" * 32,
            created_at=started - timedelta(minutes=5),
            started_at=started,
            deadline_at=started + timedelta(seconds=EXAM_S),
            finished_at=started + timedelta(seconds=EXAM_S),
            exam_s=EXAM_S,
            identified_via=identified_via,
        )
        self.tx.add(sitting)
        self.tx.flush()
        for track in Track:
            self._record(sitting, track, recorded_s)
        for at_s in (-4.0, -3.0, -2.0):
            self.check(sitting, Modality.FACE, at_s, CheckResult.MATCH)
        for n, result in enumerate(faces):
            self.check(sitting, Modality.FACE, 15.0 * (n + 1), result)
        if keys is not None:
            self.check(sitting, Modality.KEYSTROKE, EXAM_S, keys)
        return sitting

    def incident(self, sitting: Sitting, kind: str, start_s: float, end_s: float) -> IncidentRow:
        row = IncidentRow(
            sitting_id=sitting.id,
            kind=kind,
            severity="attention",
            start_s=start_s,
            end_s=end_s,
            opened_s=start_s + 3,
            opened_at=NOW - timedelta(hours=1),
            evidence={},
        )
        self.tx.add(row)
        self.tx.flush()
        return row

    def decide(
        self,
        sitting: Sitting,
        reviewer: int,
        decision: Decision,
        *,
        minute: int = 0,
        incident: IncidentRow | None = None,
        reason: str = "Бейнежазба қаралды, адам сол.",
    ) -> None:
        self.tx.add(
            Verdict(
                sitting_id=sitting.id,
                incident_id=incident.id if incident else None,
                reviewer_id=self.reviewers[reviewer].id,
                decision=decision,
                reason=reason,
                at=NOW - timedelta(minutes=30 - minute),
            )
        )
        self.tx.flush()

    def _record(self, sitting: Sitting, track: Track, recorded_s: float) -> None:
        self.tx.add(
            Recording(
                sitting_id=sitting.id,
                track=track,
                part=1,
                path=f"{sitting.id}/{track}-1.webm",
                starts_s=-5.0,
                recorded_s=recorded_s,
                bytes=1_000_000,
                sha256="a" * 64,
            )
        )
        if recorded_s < EXAM_S:
            self.tx.add(
                MediaGap(
                    sitting_id=sitting.id,
                    track=track,
                    start_s=recorded_s,
                    end_s=EXAM_S,
                    cause="no_packets",
                )
            )

    def check(self, sitting: Sitting, modality: Modality, at_s: float, said: CheckResult) -> None:
        typing, assessed = modality is Modality.KEYSTROKE, said is not CheckResult.NOT_ASSESSED
        self.tx.add(
            IdentityCheck(
                sitting_id=sitting.id,
                modality=modality,
                at_s=at_s,
                result=said,
                reason=None if assessed else "insufficient_keys" if typing else "no_face",
                score=0.81 if assessed else None,
                llr=4.2 if assessed else None,
                n_keys=412 if typing else None,
                measured=MEASURED if typing else None,
                model_id="keystroke-plda-1" if typing else "sface/2021dec-int8bq",
            )
        )
        self.tx.flush()


def exam_course(tx: Session) -> ExamCourse:
    """The course with its people, before anybody sat anything."""
    institution = Institution(name="Tanu University")
    tx.add(institution)
    tx.flush()

    def account(name: str, email: str, role: Role, number: str | None = None) -> Account:
        row = Account(
            institution_id=institution.id,
            email=f"{email}@example.org",
            name=name,
            role=role,
            learner_number=number,
            locale="kk",
            is_active=True,
        )
        tx.add(row)
        tx.flush()
        return row

    course = Course(
        institution_id=institution.id,
        code="DL-101",
        title="Цифрлық сауаттылық",
        kind=CourseKind.MOOC,
        policy_pack="KZ-137-2016",
        starts_on=date(2026, 2, 1),
        ends_on=date(2026, 5, 31),
    )
    tx.add(course)
    tx.flush()
    scheme = AssessmentScheme(course_id=course.id, version=1, created_at=NOW - timedelta(days=90))
    tx.add(scheme)
    tx.flush()
    made = ExamCourse(
        tx=tx,
        institution=institution,
        course=course,
        scheme=scheme,
        office=account("Ольга Ким", "olga", Role.EXAM_OFFICE),
        reviewers=[
            account("Рауан Ахметов", "rauan", Role.REVIEWER),
            account("Сәуле Ержанова", "saule", Role.REVIEWER),
        ],
        learners=[
            account("Әлия Серікқызы", "alice", Role.STUDENT, "S-0001"),
            account("Бауыржан Өтеғұлов", "bob", Role.STUDENT, "S-0002"),
            account("Дана Һәкімқызы", "dana", Role.STUDENT, "S-0003"),
        ],
    )
    for code, title, kind, weight, plan, closes in EVENTS:
        made.events[code] = AssessmentEvent(
            scheme_id=scheme.id,
            code=code,
            title=title,
            kind=kind,
            weight=Decimal(weight),
            mode=Mode.SYNC,
            venue=Venue.ONLINE,
            opens_at=NOW + timedelta(days=closes - 1),
            closes_at=NOW + timedelta(days=closes),
            duration_s=90,
            identity_plan=plan,
            policy_id=None,
        )
    tx.add_all(made.events.values())
    tx.add_all(RosterEntry(course_id=course.id, account_id=a.id) for a in made.learners)
    tx.flush()
    return made

"""Pages of a student: exams, consent, enrolment, the sitting and its receipt."""

import asyncio
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from keystroke.sentence import REPETITIONS
from proctor.exams.accommodations import Effect, accommodation_of
from proctor.exams.external_tests import address_of
from proctor.exams.schemes import course_of
from proctor.exams.tables import AssessmentEvent, Technology
from proctor.identity import enrolment, sentences
from proctor.identity.tables import Modality
from proctor.media.relay import relays_for_now
from proctor.people import consents
from proctor.people.tables import Purpose, Role
from proctor.retention.rules import Kept
from proctor.retention.terms import terms_of
from proctor.shares.repair import Chance, begin, chances_of
from proctor.sittings import desk, fallback
from proctor.sittings.desk import ExamRow
from proctor.sittings.tables import SittingState
from web.access import ReadTx, ServicesDep, Signed, Tx, allow, own_live
from web.pages import locale_of, page

router = APIRouter(include_in_schema=False)
_student = allow(Role.STUDENT)
_SAMPLES = (
    (Technology.BIOMETRICS, Purpose.FACE, Modality.FACE),
    (Technology.KEYSTROKE, Purpose.TYPING, Modality.KEYSTROKE),
)


@dataclass(frozen=True, slots=True)
class Todo:
    """Something to do before an exam. ``href`` is None when others have to do it."""

    key: str
    href: str | None


@dataclass(frozen=True, slots=True)
class ListedExam:
    row: ExamRow
    missing: tuple[Todo, ...]
    can_start: bool
    chances: tuple[Chance, ...] = ()


@router.get("/exams", dependencies=[_student])
def exams(request: Request, tx: ReadTx, visitor: Signed, at: ServicesDep) -> Response:
    now = at.clock.now()
    given = consents.current(tx, at.vault, visitor.account.id)
    status = enrolment.status(tx, visitor.account.id, now)
    rows = desk.exams_of(tx, visitor.account.id, now)
    courses = {row.course.id: row.course for row in rows}.values()
    chances = [each for c in courses for each in chances_of(tx, c, visitor.account, now)]
    listed = [_listed(row, given, status, chances) for row in rows]
    listed.sort(key=lambda exam: not (exam.can_start or exam.missing or exam.chances))
    return page(request, "students/exams.html", exams=listed)


@router.get("/consent", dependencies=[_student])
def consent(request: Request, tx: ReadTx, visitor: Signed, at: ServicesDep) -> Response:
    terms = terms_of(tx, visitor.account.institution_id)
    return page(
        request,
        "students/consent.html",
        answers=consents.current(tx, at.vault, visitor.account.id),
        purposes=list(consents.TEXT_KEYS.items()),
        days={kept.value: terms.days(kept) for kept in Kept},
    )


@router.post("/consent", dependencies=[_student])
async def answer_consent(
    request: Request,
    visitor: Signed,
    at: ServicesDep,
    face: Annotated[bool, Form()] = False,
    typing: Annotated[bool, Form()] = False,
    recording: Annotated[bool, Form()] = False,
    decline: Annotated[bool, Form()] = False,
) -> Response:
    """One answer per purpose; one not ticked is declined, in an exam under way too."""
    ticked = {Purpose.FACE: face, Purpose.TYPING: typing, Purpose.RECORDING: recording}
    answers = {purpose: given and not decline for purpose, given in ticked.items()}
    locale = locale_of(request)
    account = visitor.account

    def write() -> None:
        now = at.clock.now()
        with at.db.transaction() as tx:
            consents.record(tx, at.vault, account.id, answers, locale, now)
            fallback.recording_answered(tx, account, answers[Purpose.RECORDING], now)

    await asyncio.to_thread(write)
    given = frozenset(purpose for purpose, is_given in answers.items() if is_given)
    for live in at.live.of(account.id):
        await live.heed(given)
    samples = answers[Purpose.FACE] or answers[Purpose.TYPING]
    return RedirectResponse("/enrolment" if samples else "/consent", 303)


@router.get("/enrolment", dependencies=[_student])
def enrol(request: Request, tx: ReadTx, visitor: Signed, at: ServicesDep) -> Response:
    given = consents.current(tx, at.vault, visitor.account.id)
    now = at.clock.now()
    status = enrolment.status(tx, visitor.account.id, now)
    verifier = at.live.line.verifier
    return page(
        request,
        "students/enrolment.html",
        visits=enrolment.typing_visits(tx, visitor.account.id, verifier.model_id, now),
        texts_typed=enrolment.typing_so_far(tx, verifier, visitor.account.id, now).done,
        consented=[purpose.value for purpose in Purpose if given.get(purpose)],
        samples={modality.value: state for modality, state in status.items()},
        sentence=sentences.text(locale_of(request)),
        language=locale_of(request),
        repetitions=REPETITIONS,
    )


@router.post("/exams/{event_id}/sittings", dependencies=[_student])
def open_sitting(event_id: str, tx: Tx, visitor: Signed, at: ServicesDep) -> Response:
    """Open the sitting, or come back to it; a silent browser loses it to a new sign-in."""
    account_id, now = visitor.account.id, at.clock.now()
    newest = desk.newest_sitting(tx, event_id, account_id)
    # whoever takes the consent back in an exam comes back to hand in
    if newest is None or newest.state not in desk.UNDER_WAY:
        consents.require(tx, at.vault, account_id, Purpose.RECORDING)
    try:
        sitting = desk.open_sitting(tx, event_id, account_id, visitor.sign_in_id, now)
    except desk.SecondSignIn:
        assert newest is not None, "only a sitting can be open elsewhere"
        if not at.live.is_silent(newest.id):
            raise
        desk.take_over(tx, newest, visitor.sign_in_id, now)
        sitting = newest
    return RedirectResponse(f"/sittings/{sitting.id}", 303)


@router.post("/exams/{event_id}/repairs", dependencies=[_student])
def open_repair(event_id: str, tx: Tx, visitor: Signed, at: ServicesDep) -> Response:
    """Sit an event again that another technology may verify, or come back to it."""
    account, now = visitor.account, at.clock.now()
    consents.require(tx, at.vault, account.id, Purpose.RECORDING)
    found = [row for row in desk.exams_of(tx, account.id, now) if row.event.id == event_id]
    if not found:
        raise desk.NotYours
    sitting = begin(tx, found[0].course, found[0].event, account, visitor.sign_in_id, now)
    return RedirectResponse(f"/sittings/{sitting.id}", 303)


@router.get("/sittings/{sitting_id}", dependencies=[_student])
def sitting(
    request: Request, sitting_id: str, tx: ReadTx, visitor: Signed, at: ServicesDep
) -> Response:
    found = desk.own_sitting(tx, sitting_id, visitor.account.id)
    if found.state == SittingState.FINISHED:
        return RedirectResponse(f"/sittings/{sitting_id}/receipt", 303)
    desk.owned(found, visitor.sign_in_id)
    given = consents.current(tx, at.vault, visitor.account.id)
    running = found.state in desk.UNDER_WAY
    if running and not given.get(Purpose.RECORDING):
        return page(request, "students/withdrawn.html", sitting=found)
    # its first picture comes within seconds and should not wait for a process to start
    at.inference.start()
    event = tx.get_one(AssessmentEvent, found.event_id)
    course_id = course_of(tx, event).id
    granted = accommodation_of(tx, visitor.account.id, course_id)
    # no timings are taken of someone who did not agree to it, or need not give them
    keys = given.get(Purpose.TYPING, False) and Effect.NO_KEYSTROKE not in granted.effects
    language = sentences.asked(tx, at.live.line.verifier.model_id, found) if keys else None
    return page(
        request,
        "students/sitting.html",
        sitting=found,
        event=event,
        running=running,
        breaks=Effect.BREAKS in granted.effects,
        test=address_of(tx, course_id, event.code) is not None,
        second_display=Effect.SECOND_DISPLAY in granted.effects,
        keys=keys,
        sentence=sentences.text(language) if language else None,
        language=language,
        ice_servers=[asdict(each) for each in relays_for_now(at.settings, at.clock.now())],
    )


@router.post("/sittings/{sitting_id}/hand-in", dependencies=[_student])
async def hand_in(sitting_id: str, visitor: Signed, at: ServicesDep) -> Response:
    """End an exam whose page cannot go on, with the answers that were saved."""
    live = await own_live(at, visitor, sitting_id)
    await live.finish("student_finished")
    return RedirectResponse(f"/sittings/{sitting_id}/receipt", 303)


@router.get("/sittings/{sitting_id}/paper", dependencies=[_student])
def paper(
    request: Request, sitting_id: str, tx: ReadTx, visitor: Signed, at: ServicesDep
) -> Response:
    """The questions with the answers so far, for the sitting's page to show."""
    found = desk.sitting_for(tx, sitting_id, visitor.account.id, visitor.sign_in_id)
    return page(request, "students/paper.html", paper=desk.paper(tx, at.vault, found))


@router.get("/sittings/{sitting_id}/receipt", dependencies=[_student])
def receipt(request: Request, sitting_id: str, tx: ReadTx, visitor: Signed) -> Response:
    found = desk.own_sitting(tx, sitting_id, visitor.account.id)
    return page(
        request,
        "students/receipt.html",
        sitting_id=sitting_id,
        receipt=desk.receipt(tx, found),
        event=tx.get_one(AssessmentEvent, found.event_id),
    )


def _listed(
    row: ExamRow, given: dict[Purpose, bool], status: dict[Modality, str], chances: list[Chance]
) -> ListedExam:
    own = tuple(each for each in chances if each.event.id == row.event.id)
    if own:
        return ListedExam(row, tuple(_missing_to_repair(own, given, status)), False, own)
    is_ahead = row.is_proctored and row.state in ("upcoming", "open") and row.on_site is None
    plan = set(row.event.identity_plan)
    missing = tuple(_missing(plan, given, status)) if is_ahead else ()
    is_open = is_ahead and row.state == "open" and given.get(Purpose.RECORDING, False)
    is_open = is_open and not row.lacking
    return ListedExam(row, missing, row.is_proctored and (is_open or row.state == "running"))


def _missing_to_repair(
    chances: Collection[Chance], given: dict[Purpose, bool], status: dict[Modality, str]
) -> list[Todo]:
    """What is to be done before the exam is sat again; a test centre asks for nothing."""
    plan = {each.window.technology for each in chances if each.is_here}
    if any(technology in plan and not given.get(purpose) for technology, purpose, _ in _SAMPLES):
        return [Todo("exams.missing.consent", "/consent")]
    return _missing({each.value for each in plan}, given, status) if plan else []


def _missing(
    plan: Collection[str], given: dict[Purpose, bool], status: dict[Modality, str]
) -> list[Todo]:
    """What the student or the office still has to do before this exam."""
    if not given.get(Purpose.RECORDING):
        return [Todo("exams.missing.consent", "/consent")]
    todo = []
    for technology, purpose, modality in _SAMPLES:
        if technology.value not in plan or not given.get(purpose):
            continue
        if status[modality] == "missing":
            todo.append(Todo(f"exams.missing.{purpose.value}", "/enrolment"))
        elif status[modality] == "pending":
            todo.append(Todo(f"exams.missing.{purpose.value}_unconfirmed", None))
    return todo

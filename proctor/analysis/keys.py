"""Key batches of a sitting in; sealed sums, and at the end one comparison, out.

The order of the keys lives in memory only, and only for the newest hundred presses.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import delete, null, select, update
from sqlalchemy.orm import Session

from keystroke.automation import Hands, look_at
from keystroke.events import KeyBatch, KeyEvent
from keystroke.features import FourMeasurements, measure_sums
from keystroke.gate import Abstention, Reason
from keystroke.presses import Presses
from keystroke.stream import Standing, TypingStream
from keystroke.template import Sums
from keystroke.verifiers.free_text import FreeTextVerifier, Result
from proctor import events
from proctor.exams.accommodations import Effect, accommodation_of
from proctor.exams.schemes import course_of
from proctor.exams.tables import AssessmentEvent
from proctor.identity import enrolment
from proctor.identity.tables import (
    HANDED_OVER,
    NO_REFERENCE,
    CheckResult,
    IdentityCheck,
    Modality,
    TypingSample,
)
from proctor.observations import Check, NotAssessed, Observation
from proctor.people import consents
from proctor.people.tables import Purpose
from proctor.sittings.tables import Sitting
from proctor.vault import Vault

_SEAL = "typing-sample"
#: reasons of a comparison that the learner need not give, or gives no longer: nothing is measured
GRANTED: Final = "accommodation"
WITHDRAWN: Final = "consent_withdrawn"
# the newest keys that are looked at for a program's hand
_LOOKED_AT = 100
#: of fewer keys the pairs of zones can be put back in order, also of those between two kept sums
MIN_ORDERED: Final = 200
#: name of the fact that somebody else types than at the sitting's start
HAND_OVER: Final = "hand_over"
# visits that typing must differ from before it counts against anybody
MIN_VISITS: Final = 2
_FEW_VISITS = "few_visits"


@dataclass(frozen=True, eq=False)
class Typing:
    """One sitting's typing so far; never changed, for a batch that could not be kept comes again.

    ``stored``: sums kept before this connection's. After a restart of the service the sums go on
    and the windows of the stream begin anew. ``handed_over_s``: since when somebody else types
    than at the start, as far as windows tell; None while nobody does. ``ordered``: sums whose pairs
    of zones are kept.
    """

    stream: TypingStream
    n_references: int
    stored: Sums
    ordered: Sums
    newest: tuple[KeyEvent, ...] = ()
    automated: bool = False
    handed_over_s: float | None = None

    @classmethod
    def begun(
        cls,
        verifier: FreeTextVerifier,
        stored: Sums,
        references: Sequence[Sums] = (),
        said: Iterable[Observation | NotAssessed] = (),
    ) -> "Typing":
        """What was kept so far; ``references``: sums of earlier visits, each apart.

        ``said``: what the sitting's facts are up to now, whoever noted them.
        """
        profile = verifier.profile(references) if references else None
        stream = TypingStream(verifier, profile).starting_with(stored)
        typing = cls(stream, len(references), stored, stored)
        for each in said:
            if isinstance(each, Observation) and each.check == Check.KEYS:
                typing = typing._heeding(each)
        return typing

    def after(self, batch: KeyBatch, at_s: float) -> tuple["Typing", tuple[Observation, ...]]:
        """The typing with *batch*, typed by *at_s* of the exam, and what it newly says."""
        newest = (*self.newest, *batch.events)[-_LOOKED_AT:]
        hands = look_at(KeyBatch(batch.clock_step_ms, newest))
        grown = replace(self, stream=self.stream.after(Presses.from_batch(batch)), newest=newest)
        told: list[Observation] = []
        # said when it changes: an hour of typing is not an hour of events
        if hands.is_automated is not self.automated:
            told.append(_hands(hands, at_s))
        if grown.stream.is_handed_over and self.handed_over_s is None:
            told.append(Observation(Check.KEYS, HAND_OVER, at_s, {"keys": grown.stream.n_seen}))
        if len(grown.stream.windows) > len(self.stream.windows):
            told += grown._windows(at_s)
        for each in told:
            grown = grown._heeding(each)
        return grown, tuple(told)

    def total(self) -> Sums:
        """Sums of the whole sitting."""
        return self.stored + self.stream.total()

    def _heeding(self, said: Observation) -> "Typing":
        if said.name == "hands":
            return replace(self, automated=bool(said.values["automated"]))
        if said.name == HAND_OVER:
            return replace(self, handed_over_s=said.at_s)
        return self

    def _windows(self, at_s: float) -> tuple[Observation, ...]:
        standing = self.stream.standing()
        figures = _figures(standing)
        if figures is None:
            return ()
        state = {"state": standing.state.value, "sessions": self.n_references}
        return (Observation(Check.KEYS, "windows", at_s, state | figures),)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What the windows said at the end of an exam.

    ``handed_over_s``: since when somebody else typed than at the start, None where nobody did.
    ``windows``: ``llr``, its 95 % interval ``low`` and ``high``, ``keys`` and ``coverage``; None
    where too few could be compared.
    """

    handed_over_s: float | None
    windows: dict[str, float] | None


def _hands(hands: Hands, at_s: float) -> Observation:
    values: dict[str, float | int | bool | str] = {
        "automated": hands.is_automated,
        "keys": hands.n_keys,
    }
    return Observation(Check.KEYS, "hands", at_s, values)


def stored(tx: Session, vault: Vault, sitting: Sitting) -> Sums:
    """Sums kept of *sitting* so far."""
    row = tx.get(TypingSample, sitting.id)
    if row is None:
        return Sums.empty()
    return Sums.from_bytes(vault.open(tx, sitting.account_id, _SEAL, row.sealed))


def keep(tx: Session, vault: Vault, sitting: Sitting, typing: Typing) -> Typing:
    """Replace the sums kept of *sitting*, pairs in steps of many keys. The typing, kept."""
    total, ordered = typing.total(), typing.ordered
    if total.n_keys - ordered.n_keys >= MIN_ORDERED:
        ordered = total
    sums = total.ordered_as(ordered)
    sealed = vault.seal(tx, sitting.account_id, _SEAL, sums.to_bytes())
    row = tx.get(TypingSample, sitting.id)
    if row is None:
        tx.add(TypingSample(sitting_id=sitting.id, n_keys=sums.n_keys, sealed=sealed))
    else:
        row.n_keys, row.sealed = sums.n_keys, sealed
    return replace(typing, ordered=ordered)


def compare(
    tx: Session,
    vault: Vault,
    verifier: FreeTextVerifier,
    sitting: Sitting,
    typing: Typing,
    at_s: float,
    now: datetime,
) -> IdentityCheck:
    """Compare the sitting's typing with the references made before it; one check, one event.

    Typing of two people is not compared as that of one: a hand-over holds a match back.
    """
    sums, handed_over_s = typing.total(), typing.handed_over_s
    references = enrolment.typing_reference(
        tx, vault, sitting.account_id, verifier.model_id, before=sitting.created_at
    )
    agreed = consents.current(tx, vault, sitting.account_id).get(Purpose.TYPING)
    if _is_granted(tx, sitting):
        check = _not_assessed(GRANTED)
    elif agreed is False or (references and not agreed):
        check = _not_assessed(WITHDRAWN)
    else:
        check = _check(verifier, references, sums, handed_over=handed_over_s is not None)
    check.sitting_id, check.at_s, check.n_keys = sitting.id, at_s, sums.n_keys
    if sums.n_keys and check.reason not in (GRANTED, WITHDRAWN):
        # not in the chain, from which nothing can be erased
        check.measured = measure_sums(sums).as_json()
    tx.add(check)
    payload = {
        "modality": Modality.KEYSTROKE.value,
        "result": check.result.value,
        "reason": check.reason,
        "llr": check.llr,
        "n_keys": sums.n_keys,
        "model": check.model_id,
        "handed_over_s": handed_over_s,
        "windows": _figures(typing.stream.standing()),
    }
    events.append(tx, sitting.id, "identity_checked", payload, now)
    return check


def measured(tx: Session, vault: Vault, sitting: Sitting) -> tuple[int, FourMeasurements]:
    """How many keys were typed in *sitting*, and what the Order names of them.

    What was measured at its end, of all keys; of the stored sums, whose pairs come in steps, where
    that is not kept. Of nothing where typing was not to be taken, or not any more.
    """
    check = IdentityCheck
    of_typing = select(check.n_keys, check.measured).where(check.modality == Modality.KEYSTROKE)
    mine = of_typing.where(check.sitting_id == sitting.id, check.measured.is_not(None))
    found = tx.execute(mine.order_by(check.at_s.desc())).first()
    if found is not None:
        return found.n_keys or 0, FourMeasurements(**found.measured)
    unmeasured = of_typing.where(check.sitting_id == sitting.id)
    if tx.execute(unmeasured.where(check.reason.in_((GRANTED, WITHDRAWN)))).first():
        return 0, measure_sums(Sums.empty())
    sums = stored(tx, vault, sitting)
    return sums.n_keys, measure_sums(sums)


def concluded(tx: Session, sitting: Sitting) -> Conclusion:
    """What the windows of *sitting* said at the end of the exam."""
    compared = events.read(tx, sitting.id, "identity_checked")
    payload = compared[-1].payload if compared else {}
    return Conclusion(payload.get("handed_over_s"), payload.get("windows"))


def erase(tx: Session, sittings: Collection[str]) -> int:
    """Erase the sums of the typing in *sittings*, and what was measured from them; of how many."""
    check = IdentityCheck
    measured = update(check).where(check.sitting_id.in_(sittings), check.measured.is_not(None))
    tx.execute(measured.values(measured=null()))
    stored = select(TypingSample.sitting_id).where(TypingSample.sitting_id.in_(sittings))
    count = len(tx.scalars(stored).all())
    tx.execute(delete(TypingSample).where(TypingSample.sitting_id.in_(sittings)))
    return count


def _figures(found: Standing) -> dict[str, float] | None:
    """*found* to three decimals; None where too few windows could be compared."""
    if found.llr is None or found.interval is None:
        return None
    low, high = found.interval
    told = {"llr": found.llr, "low": low, "high": high, "coverage": found.coverage}
    return {"keys": found.n_keys} | {name: round(value, 3) for name, value in told.items()}


def _is_granted(tx: Session, sitting: Sitting) -> bool:
    """Whether the learner sits this exam without their typing being taken."""
    course = course_of(tx, tx.get_one(AssessmentEvent, sitting.event_id))
    return Effect.NO_KEYSTROKE in accommodation_of(tx, sitting.account_id, course.id).effects


def _check(
    verifier: FreeTextVerifier, references: Sequence[Sums], sums: Sums, *, handed_over: bool
) -> IdentityCheck:
    if not references:
        return _not_assessed(NO_REFERENCE)
    # of fewer keys the card does not say how often a comparison errs
    if verifier.weighing.error_at(sums.n_keys) is None:
        return _not_assessed(Reason.INSUFFICIENT_KEYS)
    found = verifier.compare(references, sums)
    if isinstance(found, Abstention):
        return _not_assessed(HANDED_OVER if handed_over else found.reason)
    result = verifier.operating_point.result(found.score)
    why: str | None = None
    if result is Result.NO_MATCH:
        why = None if len(references) >= MIN_VISITS else _FEW_VISITS
    elif handed_over:
        why = HANDED_OVER
    elif result is Result.INCONCLUSIVE:
        why = result.value
    if why is not None:
        return _not_assessed(why, found.score, verifier.model_id)
    return IdentityCheck(
        modality=Modality.KEYSTROKE,
        result=CheckResult.MATCH if result is Result.MATCH else CheckResult.NO_MATCH,
        score=found.score,
        llr=found.score,
        model_id=verifier.model_id,
    )


def _not_assessed(
    reason: str, llr: float | None = None, model_id: str | None = None
) -> IdentityCheck:
    return IdentityCheck(
        modality=Modality.KEYSTROKE,
        result=CheckResult.NOT_ASSESSED,
        reason=reason,
        score=llr,
        llr=llr,
        model_id=model_id,
    )

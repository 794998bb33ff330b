"""Key batches of a sitting in; sealed sums, and at the end one comparison, out.

The order of the keys lives in memory only, and only for the newest few hundred presses.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from keystroke.events import KeyBatch, KeyEvent
from keystroke.features import FourMeasurements, measure_sums
from keystroke.gate import Abstention
from keystroke.template import Sums
from keystroke.verifiers.plda import PldaVerifier, Result
from proctor import events
from proctor.identity import enrolment
from proctor.identity.tables import (
    NO_REFERENCE,
    CheckResult,
    IdentityCheck,
    Modality,
    TypingSample,
)
from proctor.sittings.tables import Sitting
from proctor.vault import Vault

_SEAL = "typing-sample"
_RECENT = 500


class TypingSums:
    """Sums of one sitting's typing, kept whole across the ends of batches; never changed."""

    def __init__(
        self,
        folded: Sums,
        recent: tuple[KeyEvent, ...] = (),
        clock_step_ms: float | None = None,
    ) -> None:
        self._folded = folded
        self._recent = recent
        self._clock_step_ms = clock_step_ms

    def after(self, batch: KeyBatch) -> "TypingSums":
        """The sums with *batch*; these stay, for a batch that could not be kept comes again."""
        grown = TypingSums(self._folded, self._recent + batch.events, batch.clock_step_ms)
        if len(grown._recent) <= _RECENT:
            return grown
        return TypingSums(grown.total(), clock_step_ms=batch.clock_step_ms)

    def total(self) -> Sums:
        return self._folded + Sums.from_batch(KeyBatch(self._clock_step_ms, self._recent))


def stored(tx: Session, vault: Vault, sitting: Sitting) -> Sums:
    """Sums kept of *sitting* so far."""
    row = tx.get(TypingSample, sitting.id)
    if row is None:
        return Sums.empty()
    return Sums.from_bytes(vault.open(tx, sitting.account_id, _SEAL, row.sealed))


def keep(tx: Session, vault: Vault, sitting: Sitting, sums: Sums) -> None:
    """Replace the sums kept of *sitting*."""
    sealed = vault.seal(tx, sitting.account_id, _SEAL, sums.to_bytes())
    row = tx.get(TypingSample, sitting.id)
    if row is None:
        tx.add(TypingSample(sitting_id=sitting.id, n_keys=sums.n_keys, sealed=sealed))
    else:
        row.n_keys, row.sealed = sums.n_keys, sealed


def compare(
    tx: Session,
    vault: Vault,
    verifier: PldaVerifier,
    sitting: Sitting,
    at_s: float,
    now: datetime,
) -> IdentityCheck:
    """Compare the sitting's typing with the references made before it; one check, one event."""
    sums = stored(tx, vault, sitting)
    references = enrolment.typing_reference(
        tx, vault, sitting.account_id, verifier.model_id, before=sitting.created_at
    )
    check = _check(verifier, references, sums)
    check.sitting_id, check.at_s, check.n_keys = sitting.id, at_s, sums.n_keys
    tx.add(check)
    payload = {
        "modality": Modality.KEYSTROKE.value,
        "result": check.result.value,
        "reason": check.reason,
        "llr": check.llr,
        "n_keys": sums.n_keys,
        "model": check.model_id,
    }
    events.append(tx, sitting.id, "identity_checked", payload, now)
    return check


def measurements(tx: Session, vault: Vault, sitting: Sitting) -> FourMeasurements:
    """The four measurements of Order 137 over the whole sitting."""
    return measure_sums(stored(tx, vault, sitting))


def _check(verifier: PldaVerifier, references: Sequence[Sums], sums: Sums) -> IdentityCheck:
    if not references:
        return _not_assessed(NO_REFERENCE)
    found = verifier.compare(references, sums)
    if isinstance(found, Abstention):
        return _not_assessed(found.reason)
    result = verifier.operating_point.result(found.score)
    if result is Result.INCONCLUSIVE:
        return _not_assessed(result.value, found.score, verifier.model_id)
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

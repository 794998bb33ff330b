"""References of a person, and the checks of a sitting against them."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, Boolean, Float, ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from proctor.plumbing.db import Base, UtcDateTime, id_column, string_enum

#: why nothing was compared: the person never enrolled this modality
NO_REFERENCE = "no_reference"
# reason of a typing comparison: two people typed, and one of them may be the enrolled one
HANDED_OVER = "handed_over"


class Modality(StrEnum):
    FACE = "face"
    KEYSTROKE = "keystroke"


class ReferenceState(StrEnum):
    """Only a ``confirmed`` reference verifies anybody."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    REVOKED = "revoked"


class CheckResult(StrEnum):
    MATCH = "match"
    NO_MATCH = "no_match"
    NOT_ASSESSED = "not_assessed"


class Reference(Base):
    """What a person enrolled, sealed under their key. ``samples``: frames or keystrokes used.

    ``quality``: components of each face sample (biometrics.types.Portrait).
    ``rotation``: by which of the institution's secrets face templates are turned, 0 for none.
    ``fingerprints``: of its pictures, sealed too; None once there are enough samples.
    """

    __tablename__ = "identity_references"

    id: Mapped[str] = id_column()
    account_id: Mapped[str] = mapped_column(String(32), ForeignKey("accounts.id"), index=True)
    modality: Mapped[Modality] = mapped_column(string_enum(Modality))
    model_id: Mapped[str] = mapped_column(String(100))
    samples: Mapped[int] = mapped_column(Integer)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    fingerprints: Mapped[bytes | None] = mapped_column(LargeBinary)
    quality: Mapped[list[dict[str, float | bool]] | None] = mapped_column(JSON)
    rotation: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    state: Mapped[ReferenceState] = mapped_column(string_enum(ReferenceState), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_by: Mapped[str | None] = mapped_column(String(32), ForeignKey("accounts.id"))
    confirmed_via: Mapped[str | None] = mapped_column(String(16))
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    id_photo_matched: Mapped[bool | None] = mapped_column(Boolean)


class IdentityCheck(Base):
    """One comparison of a sitting against a reference, or why there was none.

    ``score``: similarity, higher = more alike; ``llr``: calibrated log-likelihood ratio.
    ``n_keys``: keystrokes compared, for typing. ``at_s``: seconds since the exam began.
    ``measured``: what the Order names of typing (keystroke.features.FourMeasurements); None of a
    face, of no key, and once the sums are erased.
    """

    __tablename__ = "identity_checks"

    id: Mapped[str] = id_column()
    sitting_id: Mapped[str] = mapped_column(String(32), ForeignKey("sittings.id"), index=True)
    modality: Mapped[Modality] = mapped_column(string_enum(Modality))
    at_s: Mapped[float] = mapped_column(Float)
    result: Mapped[CheckResult] = mapped_column(string_enum(CheckResult))
    reason: Mapped[str | None] = mapped_column(String(48))
    score: Mapped[float | None] = mapped_column(Float)
    llr: Mapped[float | None] = mapped_column(Float)
    n_keys: Mapped[int | None] = mapped_column(Integer)
    model_id: Mapped[str | None] = mapped_column(String(100))
    measured: Mapped[dict[str, float | None] | None] = mapped_column(JSON(none_as_null=True))


class TypingSample(Base):
    """Sums of the typing of one sitting so far, sealed; never the order of the keys."""

    __tablename__ = "typing_samples"

    sitting_id: Mapped[str] = mapped_column(String(32), ForeignKey("sittings.id"), primary_key=True)
    n_keys: Mapped[int] = mapped_column(Integer)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class SentenceSample(Base):
    """Repetitions of the sentence that everybody types, beside the typing of the same visit.

    ``language``: of the sentence. ``repetitions``: how many are kept, sealed.
    """

    __tablename__ = "sentence_samples"

    reference_id: Mapped[str] = mapped_column(
        String(32), ForeignKey("identity_references.id"), primary_key=True
    )
    language: Mapped[str] = mapped_column(String(8))
    repetitions: Mapped[int] = mapped_column(Integer)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class SentenceCheck(Base):
    """The sentence typed before an exam, beside the person's own and other people's.

    ``less_alike``: share of other people's attempts that are less like the person's own; None
    with the ``reason`` when nothing was compared. ``others``: how many people those were.
    """

    __tablename__ = "sentence_checks"

    sitting_id: Mapped[str] = mapped_column(String(32), ForeignKey("sittings.id"), primary_key=True)
    less_alike: Mapped[float | None] = mapped_column(Float)
    others: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str | None] = mapped_column(String(48))
    at: Mapped[datetime] = mapped_column(UtcDateTime)

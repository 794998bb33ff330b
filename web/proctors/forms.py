"""What a decision form sends."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from proctor.incidents.kinds import Kind
from proctor.review.tables import Decision, Seen
from proctor.review.verdicts import MAX_REASON
from web.words import Printable


class VerdictForm(BaseModel):
    """A decision and its reason. A reason too short is answered on the page, not here."""

    model_config = ConfigDict(extra="forbid")

    decision: Decision
    reason: Printable = Field("", max_length=2 * MAX_REASON)


class FirstLookForm(BaseModel):
    """What is seen in a clip before its label."""

    model_config = ConfigDict(extra="forbid")

    seen: Seen


class AlikeForm(BaseModel):
    """A kind of incident to dismiss altogether, and why."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    decision: Literal[Decision.DISMISSED] = Decision.DISMISSED
    reason: Printable = Field("", max_length=2 * MAX_REASON)


class AppealForm(BaseModel):
    """What is ruled on an appeal, and why."""

    model_config = ConfigDict(extra="forbid")

    granted: bool
    reason: Printable = Field("", max_length=2 * MAX_REASON)


class SampleForm(BaseModel):
    """What was found in a sitting without incidents. ``missed``: a kind that was not opened."""

    model_config = ConfigDict(extra="forbid")

    missed: Kind | Literal["nothing"]
    reason: Printable = Field("", max_length=2 * MAX_REASON)

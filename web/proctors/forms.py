"""What a decision form sends."""

from typing import Literal

from pydantic import Field

from proctor.incidents.kinds import Kind
from proctor.review.tables import Decision, Seen
from proctor.review.verdicts import MAX_REASON
from web.words import Sent


class VerdictForm(Sent):
    """A decision and its reason. A reason too short is answered on the page, not here."""

    decision: Decision
    reason: str = Field("", max_length=2 * MAX_REASON)


class FirstLookForm(Sent):
    """What is seen in a clip before its label."""

    seen: Seen


class AlikeForm(Sent):
    """A kind of incident to dismiss altogether, and why."""

    kind: Kind
    decision: Literal[Decision.DISMISSED] = Decision.DISMISSED
    reason: str = Field("", max_length=2 * MAX_REASON)


class AppealForm(Sent):
    """What is ruled on an appeal, and why."""

    granted: bool
    reason: str = Field("", max_length=2 * MAX_REASON)


class SampleForm(Sent):
    """What was found in a sitting without incidents. ``missed``: a kind that was not opened."""

    missed: Kind | Literal["nothing"]
    reason: str = Field("", max_length=2 * MAX_REASON)

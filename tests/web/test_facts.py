"""Incidents in words: what was measured and why, in each language."""

from functools import partial

import pytest

from proctor.catalogue import LOCALES, translate
from proctor.incidents.tables import IncidentRow
from proctor.media.capture import AGREED_ENDS, FINISHED
from web.facts import cause_in_words, fact_of

pytestmark = pytest.mark.unit

ENDS = ("left", "failed", "not_connected", "frame_not_taken")
CAUSES = (
    *(f"connection_{end}" for end in ENDS),
    *(cause for cause in AGREED_ENDS if cause != FINISHED),
    *("no_packets", "reconnected", "server_restart", "server_stopped", "not_noted"),
    *("recorder_disk_low", "recorder_stalled", "recorder_over_budget"),
)


def test_a_gap_says_why_it_began_and_why_it_went_on() -> None:
    evidence = {"track": "camera", "cause": "connection_left", "later_cause": "no_packets"}
    row = IncidentRow(kind="media_gap", start_s=5.0, end_s=65.0, evidence=evidence)
    assert fact_of(partial(translate, "en"), row).details == (
        "Camera",
        "cause: the connection was closed on the student's side",
        "then: no data arrived",
    )


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("cause", CAUSES)
def test_each_cause_has_its_words(locale: str, cause: str) -> None:
    assert f"({cause})" not in cause_in_words(partial(translate, locale), cause)

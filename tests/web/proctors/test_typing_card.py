from math import log

import numpy as np
import pytest

from biometrics.calibration import Calibration
from keystroke.features import HIGH, LOW, FourMeasurements
from keystroke.revision import Revision
from keystroke.verifiers.free_text import OperatingPoint, Weighing
from proctor.catalogue import translate
from proctor.identity.tables import CheckResult
from proctor.shares.evidence import KeystrokeEvidence
from web.proctors.typing_card import WIDTH, handed_over, in_words, plots, revised, windows

pytestmark = pytest.mark.unit


def t(key: str, **values: object) -> str:
    return translate("en", key, **values)


EXAM = FourMeasurements(300.0, 100.0, None, 150.0, 0.4)
EARLIER = FourMeasurements(290.0, 600.0, None, 140.0, 0.41)


def test_a_plot_holds_the_exam_the_visits_and_what_is_usual() -> None:
    speed = plots(t, EXAM, [EARLIER])[0]
    assert speed.value == "300"
    assert speed.usual == (6.0, WIDTH - 6.0)
    assert speed.usual[0] < speed.visits[0] < speed.exam < speed.usual[1]
    assert speed.said == (
        "Typing speed, keys per minute: 300. Nine people of ten: 176 to 427. Earlier visits: 290."
    )


def test_a_value_beyond_what_is_usual_stays_on_the_line() -> None:
    press = plots(t, EXAM, [EARLIER])[1]
    assert press.visits == (WIDTH - 6.0,)
    assert press.usual[1] < WIDTH / 2


def test_what_was_not_measured_has_no_plot() -> None:
    assert len(plots(t, EXAM, [])) == 4
    assert plots(t, FourMeasurements(None, None, None, None, None), [EXAM]) == ()


def test_usual_ranges_rise() -> None:
    low, high = plots(t, LOW, []), plots(t, HIGH, [])
    assert all(a.exam < b.exam for a, b in zip(low, high, strict=True))


WEIGHING = Weighing(
    "m",
    np.zeros(9),
    8.0,
    Calibration(1, 0),
    OperatingPoint(1, -1),
    ((100, 0.05), (200, 0.031)),
    None,
)


def compared(score: float | None, n_keys: int | None = 240) -> KeystrokeEvidence:
    return KeystrokeEvidence(CheckResult.MATCH, None, score, n_keys)


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (84.0, "likelier from the enrolled person than from somebody else, about 80 to 1."),
        (1 / 236, "likelier from somebody else than from the enrolled person, about 200 to 1."),
        (1.9, "The comparison says next to nothing about who typed."),
    ],
)
def test_the_ratio_is_said_with_one_digit(ratio: float, words: str) -> None:
    said, error = in_words(t, compared(log(ratio)), WEIGHING)
    assert said.endswith(words)
    assert error == "With 240 keys about 3 in 100 comparisons err (measured on different days)."


def test_nothing_is_said_without_a_score_nor_of_errors_below_the_fewest_keys() -> None:
    assert in_words(t, compared(None), WEIGHING) == ()
    assert len(in_words(t, compared(3.0, 90), WEIGHING)) == 1


def test_little_revision_is_told_with_what_else_it_can_mean() -> None:
    assert revised(t, None) == ()
    assert revised(t, Revision(900, 4.0, 12.0)) == (
        "Pauses over a second: 4 in 100 keys; corrections: 12 in 100 keys.",
    )
    assert "learned by heart" in revised(t, Revision(900, 2.0, 1.0))[1]


def test_a_hand_over_is_said_with_its_time_and_with_what_else_it_can_mean() -> None:
    (words,) = handed_over(t, 754.2)
    assert words.startswith("From about 12:34 on")
    assert "A person decides" in words
    assert handed_over(t, None) == ()


def test_the_windows_are_said_with_interval_and_coverage() -> None:
    found = {"keys": 850, "llr": -2.26, "low": -4.04, "high": -0.5, "coverage": 0.867}
    (words,) = windows(t, found)
    assert "ratio −2.3 (95 %: −4.0 to −0.5;" in words
    assert "over 850 keys. Of 100 windows 87 could be compared" in words
    assert windows(t, None) == ()

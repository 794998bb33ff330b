"""The typing of a sitting beside the person's earlier visits: plots, and the score in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp

from keystroke.features import HIGH, LOW, PRINTED, FourMeasurements
from keystroke.revision import Revision
from keystroke.sentence import MIN_OTHERS
from keystroke.verifiers.free_text import Weighing
from proctor.identity.tables import SentenceCheck
from proctor.shares.evidence import KeystrokeEvidence
from web.facts import Say
from web.pages import clock_time

WIDTH = 240
_MARGIN = 6
# a ratio below this says next to nothing
_LEAST_TOLD = 2.0


@dataclass(frozen=True, slots=True)
class Plot:
    """One measurement on a line of ``WIDTH`` units: this exam, each earlier visit, nine of ten
    people. ``said`` is the same in words."""

    name: str
    value: str
    said: str
    exam: float
    visits: tuple[float, ...]
    usual: tuple[float, float]


def plots(t: Say, exam: FourMeasurements, visits: Sequence[FourMeasurements]) -> tuple[Plot, ...]:
    """A plot for each measurement that the exam's typing gave."""
    found = []
    for name in PRINTED:
        value = getattr(exam, name)
        if value is not None:
            earlier = [getattr(visit, name) for visit in visits]
            known = [float(number) for number in earlier if number is not None]
            found.append(_plot(t, name, float(value), known))
    return tuple(found)


def _plot(t: Say, field: str, value: float, visits: list[float]) -> Plot:
    name = t(f"report.measured.{field}")
    low, high = float(getattr(LOW, field)), float(getattr(HIGH, field))
    left, right = min(low, value, *visits), max(high, value, *visits)

    def at(number: float) -> float:
        across = (number - left) / (right - left)
        return round(_MARGIN + across * (WIDTH - 2 * _MARGIN), 1)

    def digits(number: float) -> str:
        return f"{number:.{PRINTED[field]}f}"

    said = t("review.keys.plot", name=name, value=digits(value), low=digits(low), high=digits(high))
    if visits:
        said += " " + t("review.keys.plot_visits", values=", ".join(map(digits, visits)))
    usual = (at(low), at(high))
    return Plot(name, digits(value), said, at(value), tuple(map(at, visits)), usual)


def in_words(t: Say, found: KeystrokeEvidence, weighing: Weighing) -> tuple[str, ...]:
    """The likelihood ratio of a comparison, and how often such a comparison errs."""
    if found.score is None or found.n_keys is None:
        return ()
    ratio = exp(abs(found.score))
    if ratio < _LEAST_TOLD:
        words = [t("review.keys.even")]
    else:
        side = "same" if found.score > 0 else "other"
        words = [t(f"review.keys.{side}", n=_rounded(ratio))]
    error = weighing.error_at(found.n_keys)
    if error is not None:
        words.append(t("review.keys.error", n=found.n_keys, rate=f"{100 * error:.0f}"))
    return tuple(words)


def windows(t: Say, found: Mapping[str, float] | None) -> tuple[str, ...]:
    """The same by windows, with how far it may be off and how much of the typing it rests on."""
    if found is None:
        return ()
    llr, low, high = (f"{found[name]:.1f}".replace("-", "−") for name in ("llr", "low", "high"))
    covered, n = f"{100 * found['coverage']:.0f}", int(found["keys"])
    return (t("review.keys.windows", llr=llr, low=low, high=high, n=n, covered=covered),)


def handed_over(t: Say, at_s: float | None) -> tuple[str, ...]:
    """That somebody else seems to type from *at_s* of the exam on, and what else it can mean."""
    if at_s is None:
        return ()
    return (t("review.keys.handed_over", at=clock_time(at_s)),)


def sentence(t: Say, found: SentenceCheck | None) -> tuple[str, ...]:
    """How the sentence typed before the exam stands beside other people's, or why it does not."""
    if found is None:
        return ()
    if found.less_alike is None:
        key = f"review.sentence.{found.reason}"
        return (t(key, others=found.others, least=MIN_OTHERS),)
    # never "100 of 100": the next attempt may be nearer
    n = min(99, int(100 * found.less_alike))
    return (t("review.sentence.beside", n=n, others=found.others), t("review.sentence.usual"))


def revised(t: Say, found: Revision | None) -> tuple[str, ...]:
    """How much was thought over and mended, and what little of it can mean."""
    if found is None:
        return ()
    words = t(
        "review.keys.revision", pauses=f"{found.pauses:.0f}", corrections=f"{found.corrections:.0f}"
    )
    return (words, t("review.keys.revision_little")) if found.is_little else (words,)


def _rounded(ratio: float) -> int:
    """One digit that counts, as 7, 20 or 300: the rest would not be true."""
    return int(float(f"{ratio:.0e}"))

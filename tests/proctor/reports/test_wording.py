import pytest

from proctor.catalogue import LOCALES
from proctor.incidents.kinds import Kind
from proctor.reports.build import LIMITS
from proctor.reports.issue import document_of
from proctor.reports.tables import IssuedReport
from proctor.reports.wording import PrintedReport, fraction_text, percent_text, printed, state_of

pytestmark = pytest.mark.db


def words(report: IssuedReport, locale: str) -> PrintedReport:
    return printed(document_of(report), locale, report.sha256)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_line_has_words_in_every_language(report: IssuedReport, locale: str) -> None:
    said = words(report, locale)
    assert len(said.limits) == len(LIMITS)
    assert [len(learner.outcomes) for learner in said.learners] == [5, 5, 5]


def test_figures_are_the_same_in_every_language(report: IssuedReport) -> None:
    figures = {
        tuple((share.fraction, share.percent) for share in words(report, locale).design)
        for locale in LOCALES
    }
    assert figures == {(("3 / 5", "60.00 %"), ("80 / 100", "80.00 %"))}


def test_learner_under_review_is_said_with_its_range(report: IssuedReport) -> None:
    bob = next(row for row in words(report, "en").learners if row.number == "S-0002")
    assert (bob.weight.fraction, bob.weight.percent) == ("0–60 / 100", "0.00–60.00 %")
    assert (bob.state, bob.state_text) == ("open", "Under review")
    assert bob.outcomes[4].methods == (
        "Biometrics: no match (the face did not match the reference)",
        "Typing pattern: pass",
        "Online proctoring: insufficient data (incident not decided)",
    )
    assert bob.outcomes[4].measured[0] == "camera 1:28 / 1:30, screen 1:28 / 1:30"


def test_the_measurements_of_the_order_are_said_under_its_names(report: IssuedReport) -> None:
    document = document_of(report)
    events = document["learners"][0]["events"] + document["learners"][1]["events"]
    sat = [event["sitting"]["keystroke"] for event in events if event["sitting"]]
    _, before, short = [typed for typed in sat if typed][:3]
    del before["measured"]
    short["measured"]["rhythm_variation"] = None
    said = printed(document, "ru", report.sha256).learners
    lines = [
        [line for line in out.measured if "абор" in line] for who in said for out in who.outcomes
    ]
    typed = [line for line in lines if line][:3]
    whole = (
        "Скорость набора символов 251 клавиш/мин; нажатие клавиш 98 мс; "
        "задержка между клавишами -12 мс внутри слов, 65 мс между словами; "
        "изменчивость ритма набора 0.31"
    )
    assert typed == [
        ["Набор текста: 0.810 (нажатий: 412)", whole],
        [
            "Набор текста: 0.810 (нажатий: 412)",
            "Четыре измерения набора не хранятся: они стёрты, "
            "или экзамен прошёл до того, как их стали хранить",
        ],
        ["Набор текста: 0.810 (нажатий: 412)", whole.replace("0.31", "–")],
    ]


def test_not_held_event_says_so(report: IssuedReport) -> None:
    dana = next(row for row in words(report, "en").learners if row.number == "S-0003")
    assert [outcome.grounds for outcome in dana.outcomes[3:]] == [
        ("Did not sit the exam",),
        ("Not yet held",),
    ]


@pytest.mark.parametrize(
    ("low", "high", "state"),
    [
        (True, True, "met"),
        (False, True, "open"),
        (False, False, "not_met"),
        (None, None, "na"),
    ],
)
def test_state_of_a_requirement(low: bool | None, high: bool | None, state: str) -> None:
    assert state_of(low, high) == state


def test_not_applicable_share_has_no_percent() -> None:
    nothing = {"num": 0, "den": 0, "percent": None, "met": None}
    assert (fraction_text(nothing, nothing), percent_text(nothing, nothing)) == ("0 / 0", "–")


@pytest.mark.parametrize("kind", Kind)
def test_every_incident_kind_has_a_name(report: IssuedReport, kind: Kind) -> None:
    document = document_of(report)
    for learner in document["learners"]:
        for event in learner["events"]:
            for incident in (event["sitting"] or {"incidents": []})["incidents"]:
                incident["kind"] = kind.value
    bob = next(row for row in printed(document, "kk").learners if row.number == "S-0002")
    assert len({incident.kind for incident in bob.incidents}) == 1

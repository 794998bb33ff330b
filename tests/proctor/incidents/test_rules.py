"""Observations in, incidents out: hold times, hysteresis, and what never makes an incident."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.exams.thresholds import ExamRules
from proctor.incidents.kinds import (
    IDENTITY_KINDS,
    Closed,
    Concern,
    Incident,
    Kind,
    Opened,
    Severity,
    concern_of,
)
from proctor.incidents.replay import incidents_under
from proctor.incidents.rules import (
    BREAK_BEGAN,
    BREAK_ENDED,
    TEST_LEFT,
    TEST_OPENED,
    Item,
    State,
    finish,
    run,
    step,
)
from proctor.observations import Check, NotAssessed, Observation

pytestmark = pytest.mark.unit

RULES = ExamRules()
#: for facts that are no looks at the camera: nobody waits for one
UNWATCHED = replace(RULES, not_assessed_s=1000.0)


def faces(at_s: float, count: int) -> Observation:
    return Observation(Check.FACE, "faces", at_s, {"count": count, "box_px": 120})


def camera(at_s: float, *, covered: bool = False, dark: bool = False) -> Observation:
    return Observation(Check.FACE, "camera", at_s, {"covered": covered, "dark": dark})


def identity(at_s: float, result: str, llr: float = 0.0) -> Observation:
    values = {"result": result, "llr": llr, "score": llr / 10}
    return Observation(Check.FACE, "identity", at_s, values)


def browser(at_s: float, name: str, **values: int) -> Observation:
    return Observation(Check.BROWSER, name, at_s, dict(values))


def media(at_s: float, name: str, track: str) -> Observation:
    return Observation(Check.MEDIA, name, at_s, {"track": track})


def detect(rules: ExamRules, items: Iterable[Item]) -> tuple[Incident, ...]:
    """The incidents of an exam that goes on."""
    return incidents_under(rules, items, None)


def spans(incidents: Iterable[Incident]) -> list[tuple[str, float, float | None]]:
    return [(str(i.kind), i.start_s, i.end_s) for i in incidents]


def watched(absent: set[int], until: int = 30) -> list[Item]:
    """One look a second; no face in the seconds *absent*."""
    return [faces(float(s), 0 if s in absent else 1) for s in range(until)]


def test_a_face_gone_for_five_seconds_is_an_incident_from_its_first_second() -> None:
    (incident,) = detect(RULES, watched(set(range(10, 18))))

    assert (incident.start_s, incident.opened_s, incident.end_s) == (10.0, 15.0, 18.0)
    assert incident.kind is Kind.FACE_ABSENT
    assert incident.severity is Severity.ATTENTION
    assert incident.evidence == {"samples": 8}


def test_a_face_gone_for_less_than_the_hold_time_is_no_incident() -> None:
    assert detect(RULES, watched({10, 11, 12, 13, 14})) == ()


def test_one_look_that_finds_the_face_begins_the_hold_time_again() -> None:
    assert detect(RULES, watched({10, 11, 12, 13, 15, 16, 17, 18})) == ()


def test_incident_stays_open_across_a_one_second_return() -> None:
    found = detect(RULES, watched({*range(10, 17), *range(18, 24)}))

    assert spans(found) == [("face_absent", 10.0, 24.0)]


def test_a_return_of_two_seconds_closes_the_incident_where_it_began() -> None:
    found = detect(RULES, watched({*range(10, 17), *range(20, 27)}, until=40))

    assert spans(found) == [("face_absent", 10.0, 17.0), ("face_absent", 20.0, 27.0)]


def test_a_single_frame_opens_nothing_even_with_a_hold_time_of_zero() -> None:
    at_once = ExamRules(face_absent_s=0.0, multiple_faces_s=0.0)

    assert detect(at_once, [faces(1, 1), faces(2, 0), faces(3, 2), faces(4, 1)]) == ()


def test_two_looks_far_apart_do_not_speak_for_the_time_between() -> None:
    assert detect(RULES, [faces(1, 1), faces(2, 0), faces(12, 0), faces(13, 1)]) == ()


def test_several_faces_keep_the_largest_number_seen() -> None:
    looks = [faces(s, n) for s, n in [(1, 1), (2, 2), (3, 3), (4, 2), (5, 2), (6, 1), (8, 1)]]

    (incident,) = detect(RULES, looks)

    assert spans([incident]) == [("multiple_faces", 2, 6)]
    assert incident.evidence == {"faces": 3, "samples": 4}


def test_a_covered_camera_explains_why_no_face_is_seen() -> None:
    items: list[Item] = []
    for s in range(30):
        is_covered = 5 <= s < 20
        items += [camera(s, covered=is_covered, dark=is_covered), faces(s, 0 if is_covered else 1)]

    assert spans(detect(RULES, items)) == [("camera_covered", 5, 20)]


def still(at_s: float, *, holds: bool) -> Observation:
    values = {"covered": False, "dark": False, "still": holds}
    return Observation(Check.FACE, "camera", at_s, values)


def test_a_picture_that_stands_still_for_ten_seconds_is_an_incident_about_identity() -> None:
    items = [still(s, holds=5 <= s < 20) for s in range(30)]

    (incident,) = detect(RULES, items)

    assert spans([incident]) == [("camera_frozen", 5, 20)]
    assert incident.opened_s == 15
    assert incident.kind in IDENTITY_KINDS
    assert detect(RULES, [still(s, holds=5 <= s < 14) for s in range(30)]) == ()


def test_a_long_look_aside_is_information_and_a_short_one_is_nothing() -> None:
    def looks(away: range) -> list[Item]:
        return [Observation(Check.FACE, "gaze", s, {"away": s in away}) for s in range(0, 40, 2)]

    (incident,) = detect(RULES, looks(range(10, 20)))

    assert spans([incident]) == [("looking_away", 10, 20)]
    assert incident.severity is Severity.INFO
    assert detect(RULES, looks(range(10, 16))) == ()


def test_another_persons_gaze_is_not_measured_against_the_students_own() -> None:
    items: list[Item] = []
    for s in range(0, 30, 2):
        result = "no_match" if s >= 10 else "match"
        items.append(Observation(Check.FACE, "identity", s, {"result": result}))
        items.append(Observation(Check.FACE, "gaze", s, {"away": s >= 10}))

    assert spans(detect(RULES, items)) == [("face_mismatch", 10, None)]


def test_darkness_is_information_and_does_not_explain_a_missing_face() -> None:
    items: list[Item] = []
    for s in range(25):
        items += [camera(s, dark=s >= 5), faces(s, 0 if s >= 5 else 1)]

    found = detect(RULES, items)

    assert spans(found) == [("face_absent", 5, None), ("too_dark", 5, None)]
    assert found[1].severity is Severity.INFO


def test_mismatch_opens_on_the_decision_and_starts_where_doubt_began() -> None:
    items = [
        identity(10, "match", 9.0),
        identity(16, "undecided", -2.0),
        identity(17, "undecided", -3.5),
        identity(18, "no_match", -8.0),
        identity(19, "no_match", -6.0),
        identity(30, "match", 7.0),
    ]

    (incident,) = detect(RULES, items)

    assert (incident.start_s, incident.opened_s, incident.end_s) == (16, 18, 30)
    assert incident.evidence == {"llr": -8.0, "score": -0.8, "samples": 4}


def test_doubt_that_ends_in_a_match_is_no_incident() -> None:
    assert (
        detect(RULES, [identity(5, "undecided"), identity(6, "undecided"), identity(7, "match")])
        == ()
    )


def test_mismatch_stays_open_while_undecided() -> None:
    items = [identity(5, "no_match"), identity(6, "undecided"), identity(7, "undecided")]

    assert spans(detect(RULES, items)) == [("face_mismatch", 5, None)]


def test_checks_that_keep_failing_are_an_incident_and_never_a_clean_result() -> None:
    items: list[Item] = [NotAssessed(Check.FACE, "worker_crashed", float(s)) for s in range(20)]

    (incident,) = detect(RULES, items)

    assert spans([incident]) == [("identity_not_assessed", 0.0, None)]
    assert incident.evidence["reason"] == "worker_crashed"


def test_a_face_too_small_to_compare_is_not_assessed() -> None:
    items: list[Item] = []
    for s in range(20):
        items += [faces(s, 1), NotAssessed("identity", "too_small", float(s))]

    assert spans(detect(RULES, items)) == [("identity_not_assessed", 0.0, None)]


def test_a_comparison_ends_not_assessed() -> None:
    items: list[Item] = [NotAssessed("identity", "too_small", float(s)) for s in range(18)]

    assert spans(detect(RULES, [*items, identity(18, "match")])) == [
        ("identity_not_assessed", 0.0, 18)
    ]


def test_one_failed_look_between_good_ones_is_no_incident() -> None:
    items = [*watched(set(), 10), NotAssessed(Check.FACE, "timeout", 10.0)]

    assert detect(RULES, [*items, *(faces(float(s), 1) for s in range(11, 40))]) == ()


def test_a_face_check_that_falls_silent_is_not_assessed() -> None:
    items = [*watched(set(), 10), browser(20, "copy"), browser(24, "copy"), faces(30, 1)]

    (incident,) = detect(RULES, items)

    assert spans([incident]) == [("identity_not_assessed", 9.0, 30)]
    assert incident.evidence["reason"] == "silent"


def test_silence_since_before_the_exam_counts_from_its_start() -> None:
    items = [faces(-3, 1), browser(14.9, "copy"), browser(15, "copy")]

    assert spans(detect(RULES, items)) == [("identity_not_assessed", 0.0, None)]


def test_a_face_check_that_never_spoke_is_not_assessed() -> None:
    items = [browser(5, "copy"), browser(80, "copy")]

    assert spans(detect(RULES, items)) == [("identity_not_assessed", 0.0, None)]
    opened, closed = finish(RULES, State(), 90)
    assert isinstance(opened, Opened)
    assert spans([closed.incident]) == [("identity_not_assessed", 0.0, 90)]


def test_after_a_pause_the_face_check_has_its_time_again() -> None:
    paused, continued = (
        Observation(Check.PROCTOR, name, at_s)
        for name, at_s in (("paused", 20), ("continued", 300))
    )
    items = [*watched(set(), 20), paused, continued]

    assert detect(RULES, [*items, browser(314, "copy")]) == ()
    assert spans(detect(RULES, [*items, browser(315, "copy")])) == [
        ("identity_not_assessed", 300, None)
    ]


def test_a_missing_face_explains_why_nobody_is_compared() -> None:
    items: list[Item] = []
    for s in range(40):
        items += [faces(s, 0), NotAssessed("identity", "no_face", float(s))]

    assert spans(detect(RULES, items)) == [("face_absent", 0, None)]


def test_a_hidden_page_opens_at_once_and_explains_lost_focus() -> None:
    items = [
        browser(10.0, "focus_lost"),
        browser(10.01, "page_hidden"),
        faces(14, 1),
        browser(20.0, "page_shown"),
        browser(20.1, "focus_gained"),
        faces(25, 1),
    ]

    assert spans(detect(RULES, items)) == [("page_hidden", 10.01, 20.0)]


def test_lost_focus_opens_after_its_hold_time_without_further_word_of_it() -> None:
    items = [browser(10.0, "focus_lost"), faces(12, 1), faces(13, 1), browser(14, "focus_gained")]

    (incident,) = detect(RULES, items)

    assert (incident.start_s, incident.opened_s, incident.end_s) == (10.0, 13, 14)


def test_a_late_batch_keeps_its_own_times() -> None:
    items = [faces(40, 1), browser(10, "focus_lost"), browser(10.5, "focus_gained"), faces(41, 1)]

    assert detect(UNWATCHED, items) == ()


def test_paste_is_a_fact_of_one_moment() -> None:
    state, changes = step(RULES, State(), browser(12.5, "paste", chars=84))

    opened, closed = changes
    assert isinstance(opened, Opened)
    assert isinstance(closed, Closed)
    assert (closed.incident.start_s, closed.incident.end_s) == (12.5, 12.5)
    assert closed.incident.evidence == {"chars": 84}
    assert not state.is_open(Kind.PASTE)


def test_text_that_entered_without_keys_is_told_like_a_paste() -> None:
    (incident,) = detect(RULES, [browser(5, "inserted", chars=40)])

    assert (incident.kind, incident.evidence) == (Kind.PASTE, {"chars": 40})


def test_each_piece_of_text_pasted_bit_by_bit_is_told() -> None:
    items = [browser(10 + 2 * i, "paste", chars=4) for i in range(30)]

    assert len(detect(UNWATCHED, items)) == 30


def test_a_paste_below_the_limit_is_no_incident() -> None:
    assert detect(ExamRules(paste_chars=20), [browser(5, "paste", chars=19)]) == ()


def test_a_screen_no_longer_shared_explains_its_gap() -> None:
    items = [
        browser(10, "screen_ended"),
        media(10.5, "silent", "screen"),
        faces(13, 1),
        faces(20, 1),
        media(25, "resumed", "screen"),
    ]

    assert spans(detect(RULES, items)) == [("screen_share_lost", 10, 25)]


def test_a_screen_shared_again_within_the_hold_time_is_no_incident() -> None:
    items = [browser(10, "screen_ended"), browser(12, "screen_shared"), faces(20, 1)]

    assert detect(UNWATCHED, items) == ()


def test_each_silent_track_is_a_gap_of_its_own() -> None:
    items = [
        media(10, "silent", "camera"),
        media(10, "silent", "screen"),
        media(12, "resumed", "screen"),
        media(15, "resumed", "camera"),
    ]

    (incident,) = detect(UNWATCHED, items)

    assert spans([incident]) == [("media_gap", 10, 15)]
    assert incident.evidence == {"track": "camera"}
    assert concern_of(incident.kind) is Concern.CONDITION


def test_facts_before_the_exam_make_no_incident() -> None:
    items: list[Item] = [faces(-9.0 + s, 0) for s in range(9)]
    items += [browser(-4, "page_hidden"), browser(-2, "paste", chars=9), identity(-1, "no_match")]

    assert detect(RULES, [*items, faces(0, 1), faces(1, 1)]) == ()


def test_camera_labels_and_other_cues_are_not_incidents() -> None:
    cues = [
        browser(3, "second_monitor"),
        browser(4, "copy", chars=9),
        Observation(Check.FACE, "loop", 5, {"repeats": 3}),
        Observation(Check.FACE, "virtual_camera", 6, {"named": True}),
        Observation(Check.KEYS, "speed", 7, {"keys": 90}),
    ]

    assert detect(RULES, cues) == ()


def test_the_end_of_the_exam_closes_what_is_open() -> None:
    state = State()
    for item in [browser(70, "page_hidden"), browser(88, "focus_lost")]:
        state, _ = step(UNWATCHED, state, item)

    (closed,) = finish(UNWATCHED, state, 90)

    assert spans([closed.incident]) == [("page_hidden", 70, 90)]


def test_the_end_of_the_exam_opens_what_lasted_long_enough() -> None:
    state, _ = step(UNWATCHED, State(), browser(80, "fullscreen_left"))

    opened, closed = finish(UNWATCHED, state, 90)

    assert isinstance(opened, Opened)
    assert isinstance(closed, Closed)
    assert spans([closed.incident]) == [("fullscreen_left", 80, 90)]


def test_a_failure_without_a_time_is_placed_at_the_newest_fact() -> None:
    items: list[Item] = [browser(5, "copy"), NotAssessed(Check.FACE, "crashed")]
    items += [NotAssessed(Check.FACE, "crashed", 20.0)]

    assert spans(detect(RULES, items)) == [("identity_not_assessed", 5, None)]


def test_identity_kinds_are_the_six_that_hold_back_an_outcome() -> None:
    assert {
        "face_mismatch",
        "typing_mismatch",
        "identity_not_assessed",
        "face_absent",
        "camera_covered",
        "camera_frozen",
        "screen_share_lost",
    } == IDENTITY_KINDS


def test_a_telephone_in_view_is_for_information_and_says_nothing_of_the_person() -> None:
    looks = [
        Observation(Check.FACE, "things", float(s), {"phone": s in (6, 7, 8)}) for s in range(5, 13)
    ]
    (incident,) = detect(RULES, [*looks, faces(20, 1)])

    assert spans([incident]) == [("phone_visible", 6, 9)]
    assert incident.severity == "info"
    assert incident.kind not in IDENTITY_KINDS
    assert detect(RULES, [looks[1]]) == ()


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("presentation", "screen", "screen_before_camera"),
        ("camera", "repeats", "picture_repeats"),
    ],
)
def test_signs_of_a_shown_picture_are_for_information(name: str, value: str, kind: str) -> None:
    quality = {"covered": False, "dark": False}
    looks = [
        Observation(Check.FACE, name, float(s), {**quality, value: s in (20, 30)})
        for s in range(10, 60, 10)
    ]
    (incident,) = detect(UNWATCHED, looks)

    assert spans([incident]) == [(kind, 20, 40)]
    assert incident.severity == "info"
    assert incident.kind not in IDENTITY_KINDS


def test_a_camera_with_the_name_of_a_program_is_told_until_another_is_opened() -> None:
    items = [browser(-5, "program_camera"), browser(1, "program_camera")]
    assert spans(detect(UNWATCHED, items)) == [("virtual_camera", 1, None)]
    assert spans(detect(UNWATCHED, [*items, browser(30, "device_camera")])) == [
        ("virtual_camera", 1, 30)
    ]
    assert detect(RULES, [browser(1, "device_camera")]) == ()


def typed(at_s: float, state: str, sessions: int, llr: float = -4.0) -> Observation:
    values = {"state": state, "sessions": sessions, "llr": llr, "keys": 250}
    return Observation(Check.KEYS, "windows", at_s, values)


def test_typing_that_does_not_fit_is_an_incident_until_it_does() -> None:
    items = [typed(60, "inconsistent", 2), typed(90, "inconsistent", 2, -6.5)]
    (incident,) = detect(UNWATCHED, [*items, typed(120, "inconclusive", 2)])

    assert spans([incident]) == [("typing_mismatch", 60, 120)]
    assert incident.evidence == {"samples": 2, "llr": -6.5, "keys": 250}


@pytest.mark.parametrize("item", [typed(60, "inconsistent", 1), typed(60, "insufficient_data", 2)])
def test_one_earlier_visit_or_too_few_keys_accuse_nobody(item: Observation) -> None:
    assert detect(UNWATCHED, [item]) == ()


def test_presses_no_hand_makes_are_an_incident_while_they_come() -> None:
    looks = [
        Observation(Check.KEYS, "hands", float(s), {"automated": s < 20, "keys": 80})
        for s in (10, 15, 20)
    ]
    assert spans(detect(UNWATCHED, looks)) == [("automated_typing", 10, 20)]


ITEMS = st.one_of(
    st.builds(faces, st.just(0.0), st.integers(0, 3)),
    st.builds(lambda c, d: camera(0.0, covered=c, dark=d), st.booleans(), st.booleans()),
    st.builds(identity, st.just(0.0), st.sampled_from(["match", "no_match", "undecided"])),
    st.builds(
        browser,
        st.just(0.0),
        st.sampled_from(
            ["page_hidden", "page_shown", "focus_lost", "focus_gained", "screen_ended"]
        ),
    ),
    st.builds(
        media,
        st.just(0.0),
        st.sampled_from(["silent", "resumed"]),
        st.sampled_from(["camera", "screen"]),
    ),
    st.builds(NotAssessed, st.just("face"), st.just("crashed"), st.just(0.0)),
)


def placed(item: Item, at_s: float) -> Item:
    if isinstance(item, NotAssessed):
        return NotAssessed(item.check, item.reason, at_s)
    return Observation(item.check, item.name, at_s, item.values)


@given(st.lists(st.tuples(st.floats(0, 20), ITEMS), max_size=60))
def test_every_incident_opens_once_closes_once_and_has_held_long_enough(
    timed: list[tuple[float, Item]],
) -> None:
    state, at_s, open_now = State(), 0.0, set[tuple[str, str]]()
    held = {Kind.FACE_ABSENT: 5.0, Kind.FOCUS_LOST: 3.0, Kind.IDENTITY_NOT_ASSESSED: 15.0}
    changes = []
    for pause, item in timed:
        at_s += pause
        state, made = step(RULES, state, placed(item, at_s))
        changes += made
    for change in [*changes, *finish(RULES, state, at_s)]:
        incident = change.incident
        key = (str(incident.kind), str(incident.evidence.get("track", "")))
        if isinstance(change, Opened):
            assert key not in open_now
            assert incident.opened_s - incident.start_s >= held.get(incident.kind, 0.0)
            open_now.add(key)
        else:
            assert incident.end_s is not None
            assert incident.end_s >= incident.start_s
            open_now.remove(key)
    assert open_now == set()


def away(at_s: float, name: str) -> Observation:
    return Observation(Check.PROCTOR, name, at_s)


def test_an_absence_in_a_break_is_expected_and_one_after_it_is_not() -> None:
    looks = watched(set(range(10, 60)), until=80)
    break_ = [away(9.5, BREAK_BEGAN), away(40.5, BREAK_ENDED)]
    items = sorted([*looks, *break_], key=lambda item: item.at_s or 0.0)

    (incident,) = detect(RULES, items)

    assert (incident.kind, incident.end_s) == (Kind.FACE_ABSENT, 60.0)
    assert 40.0 <= incident.start_s <= 41.0
    back_in_time = [*watched(set(range(10, 40)), until=80), *break_]
    assert detect(RULES, sorted(back_in_time, key=lambda item: item.at_s or 0.0)) == ()


def test_a_face_check_that_says_nothing_in_a_break_says_nothing_of_the_person() -> None:
    before = [faces(float(second), 1) for second in range(10)]
    silent = [browser(float(second), "noise") for second in range(12, 60)]
    items = [*before, away(10.0, BREAK_BEGAN), *silent]

    assert spans(detect(RULES, [*before, *silent])) == [("identity_not_assessed", 9.0, None)]
    assert detect(RULES, items) == ()


AT_THE_TEST = [
    away(10.0, TEST_OPENED),
    browser(10.1, "page_hidden"),
    browser(10.1, "focus_lost"),
    browser(10.1, "fullscreen_left"),
]


def test_nothing_that_going_to_the_test_entails_is_an_incident_but_all_of_it_is_told() -> None:
    back = [browser(60.0, "page_shown"), browser(60.0, "focus_gained"), away(61.0, TEST_LEFT)]
    entered = [browser(61.5, "fullscreen_entered"), browser(90.0, "copy", chars=1)]
    items = [*AT_THE_TEST, *back, *entered]

    assert detect(UNWATCHED, items) == ()
    _, changes = run(UNWATCHED, State(), items)
    told = [(each.incident.kind, each.incident.because) for each in changes]
    assert set(told) == {
        (Kind.PAGE_HIDDEN, "external_test"),
        (Kind.FULLSCREEN_LEFT, "external_test"),
    }
    opened = [each.incident.kind for each in changes if isinstance(each, Opened)]
    closed = [each.incident.kind for each in changes if isinstance(each, Closed)]
    assert sorted(opened) == sorted(closed)


def test_what_still_holds_after_the_test_is_an_incident_from_then_on() -> None:
    items = [*AT_THE_TEST, away(60.0, TEST_LEFT), browser(70.0, "copy", chars=1)]

    assert spans(detect(UNWATCHED, items)) == [
        ("fullscreen_left", 60.0, None),
        ("page_hidden", 60.0, None),
    ]


def test_what_was_open_before_the_test_and_other_facts_stay_incidents() -> None:
    before = [browser(2.0, "fullscreen_left"), browser(6.0, "copy", chars=1)]
    paste = browser(20.0, "paste", chars=9)
    items = [*before, *AT_THE_TEST, paste, away(60.0, TEST_LEFT)]

    kinds = [(kind, start_s) for kind, start_s, _ in spans(detect(UNWATCHED, items))]
    assert kinds == [("fullscreen_left", 2.0), ("paste", 20.0)]


def test_a_break_outlasts_a_pause() -> None:
    state, _ = step(RULES, State(), away(5.0, BREAK_BEGAN))
    state, _ = step(RULES, state, away(6.0, "paused"))

    assert state.on_break
    assert not step(RULES, state, away(7.0, BREAK_ENDED))[0].on_break


def stills(
    every_s: float, count: int, pace: str | None = "stills", until: float = 120
) -> list[Item]:
    """Looks so far apart, as a line too thin for a film lets them through."""
    items: list[Item] = []
    if pace:
        items.append(Observation(Check.MEDIA, "pace", 0.0, {"pace": pace, "kbit_s": 40}))
    for n in range(round(until / every_s)):
        items += [camera(n * every_s), faces(n * every_s, count)]
        if count == 0:
            items.append(NotAssessed("identity", "no_face", n * every_s))
    return items


@pytest.mark.parametrize("every_s", [2.5, 3.1, 4.0, 6.0])
def test_looks_as_seldom_as_a_thin_line_allows_speak_for_the_time_between(every_s: float) -> None:
    for count, kind in ((0, "face_absent"), (1, None), (2, "multiple_faces")):
        found = {incident.kind.value for incident in detect(RULES, stills(every_s, count))}
        assert found == ({kind} if kind else set())


def test_a_face_too_small_in_every_still_is_not_assessed() -> None:
    items: list[Item] = []
    for item in stills(4.0, 1):
        items.append(item)
        if isinstance(item, Observation) and item.name == "faces":
            items.append(NotAssessed("identity", "too_small", item.at_s))

    assert [i.evidence["reason"] for i in detect(RULES, items)] == ["too_small"]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_looks_further_apart_than_the_pace_explains_are_not_assessed(count: int) -> None:
    found = detect(RULES, stills(4.0, count, pace=None))
    assert spans(found) == [("identity_not_assessed", 0.0, None)]


def test_one_look_that_came_late_is_no_incident() -> None:
    items: list[Item] = []
    for s in (*range(10), *range(20, 40)):
        items += [camera(s), faces(s, 1)]
    assert detect(RULES, items) == ()


def test_whoever_is_not_compared_any_more_since_the_consent_is_gone_is_not_assessed() -> None:
    items: list[Item] = []
    for s in range(60):
        items += [camera(s), faces(s, 1)]
        if s == 10:
            items += [identity(s, "match"), NotAssessed("identity", "consent_withdrawn", 10.5)]
        if s == 40:
            items.append(NotAssessed(Check.FACE, "timeout", 40.5))

    (incident,) = detect(RULES, items)

    assert spans([incident]) == [("identity_not_assessed", 10.5, None)]
    assert incident.opened_s == 26
    assert incident.evidence["reason"] == "consent_withdrawn"

"""Looks at a camera through the sitting's own path, to the incidents that people see."""

import random
from collections import Counter

import pytest

from biometrics.ids import ModelId
from biometrics.types import Box, Gaze, Quality, Thing
from proctor.analysis.face import DEARER, OWN_PAD
from proctor.identity.challenge import Ask
from proctor.identity.checks import FaceIdentity
from proctor.identity.tables import CheckResult
from proctor.inference import FaceFinding, FrameAssessment, Looks
from proctor.inference.seen import Liveness
from proctor.live.faces import FaceWatch
from proctor.observations import NotAssessed, Observation
from tests.support.camera import (
    COMPARISON,
    FACE,
    REFERENCE,
    Played,
    Seen,
    look_at,
    picture,
    watch_film,
)

pytestmark = pytest.mark.unit


async def test_the_enrolled_person_all_along_is_no_incident() -> None:
    film = await watch_film(picture, 300)
    assert film.opened == []


@pytest.mark.parametrize("wavers", [0.0, 0.02, 0.04])
async def test_somebody_alike_who_neither_matches_nor_differs_is_inconclusive(
    wavers: float,
) -> None:
    chance = random.Random(7)

    def shows(at_s: float, looks: Looks) -> FrameAssessment:
        is_other = 20 <= at_s < 140
        cosine = 0.40 + wavers * chance.uniform(-1.7, 1.7) if is_other else 0.75
        return picture(at_s, looks, cosine)

    film = await watch_film(shows, 180)
    found = [look.check.result for look in film.looks if look.check is not None]
    assert found.count(CheckResult.NO_MATCH) > 60
    ((kind, opened_s, reason),) = film.opened
    assert (kind, reason) == ("identity_not_assessed", "inconclusive")
    assert 35 <= opened_s <= 60


async def test_another_person_is_still_a_mismatch_and_not_inconclusive() -> None:
    film = await watch_film(lambda s, looks: picture(s, looks, 0.1 if s >= 20 else 0.75), 120)
    assert film.kinds == {"face_mismatch"}


async def test_a_few_low_scores_of_the_enrolled_person_are_no_incident() -> None:
    chance = random.Random(3)

    def shows(at_s: float, looks: Looks) -> FrameAssessment:
        return picture(at_s, looks, 0.39 if chance.random() < 0.2 else 0.7)

    assert (await watch_film(shows, 300)).opened == []


async def test_a_look_that_crashes_its_worker_is_told_for_each_check_it_was_due_for() -> None:
    def shows(at_s: float, looks: Looks) -> Seen:
        return NotAssessed("face", "worker_crashed") if looks.things else picture(at_s, looks)

    film = await watch_film(shows, 60)
    failed = [item.check for item in film.items if isinstance(item, NotAssessed)]
    due = sum(looks.things for looks in film.asked)
    assert due > 2
    assert failed.count("things") == failed.count("presentation") == due


ELSEWHERE = Box(20, 100, 200, 250)
MOVED = {
    Ask.TURN_LEFT: Gaze(25.0, 0.0, 0.5),
    Ask.TURN_RIGHT: Gaze(-25.0, 0.0, 0.5),
    Ask.LOOK_LEFT: Gaze(0.0, 0.0, 0.62),
    Ask.LOOK_RIGHT: Gaze(0.0, 0.0, 0.38),
    Ask.CLOSE_EYES: Gaze(0.0, 0.0, None),
}


async def challenged(seed: int, cosine: float, box: Box) -> FaceWatch:
    """Somebody of *cosine*, sitting at *box*, makes every movement; between them the enrolled
    person looks into the camera.
    """
    asked: list[Ask | None] = [None]

    def shows(at_s: float, looks: Looks) -> FrameAssessment:
        (ask,) = asked
        if ask is None:
            return picture(at_s, looks)
        return picture(at_s, looks, cosine, box, gaze=MOVED[ask])

    played = Played(shows)
    identity = FaceIdentity(COMPARISON, REFERENCE)
    watch = FaceWatch(played, "sitting", identity, 3, random.Random(seed))  # type: ignore[arg-type]
    for second in range(400):
        asked[0] = watch.challenge.ask if watch.challenge else None
        await look_at(watch, played, float(second))
        if watch.is_established or watch.attempts_left == 0:
            return watch
    raise AssertionError("it never ends")


@pytest.mark.parametrize("seed", range(6))
async def test_the_enrolled_person_moves_and_is_established(seed: int) -> None:
    assert (await challenged(seed, 0.7, FACE)).is_established


@pytest.mark.parametrize("seed", range(6))
async def test_somebody_else_who_moves_for_the_person_does_not_pass(seed: int) -> None:
    assert not (await challenged(seed, 0.7, ELSEWHERE)).is_established
    watch = await challenged(seed, 0.1, ELSEWHERE)
    assert not watch.is_established
    assert watch.attempts_left == 0


async def test_somebody_else_in_the_very_same_place_does_not_pass_either() -> None:
    # but for the 2 of 68 tries that ask for turns of the head alone
    assert not any([(await challenged(seed, 0.1, FACE)).is_established for seed in range(12)])


async def test_what_a_covered_picture_was_due_for_is_told_as_not_looked_for() -> None:
    dull = Quality(90.0, 1.0, 0.0, covered=True, dark=False, blurred=False)
    nothing = {"faces": (), "far_faces": None, "gaze": None, "things": None}
    film = await watch_film(lambda s, looks: picture(s, looks, quality=dull, **nothing), 18)
    told = Counter(each.check for each in film.items if isinstance(each, NotAssessed))
    due = {name: sum(getattr(each, name) for each in film.asked) for name in DEARER}
    assert told == {**due, "identity": 18}
    assert film.kinds == {"camera_covered"}


@pytest.mark.parametrize("condition", ["dark", "blurred", "covered"])
async def test_a_face_in_a_picture_that_is_not_clear_is_not_compared(condition: str) -> None:
    flags = {name: name == condition for name in ("covered", "dark", "blurred")}
    poor = Quality(15.0, 20.0, 5.0, **flags)

    def shows(at_s: float, looks: Looks) -> FrameAssessment:
        # whatever such a face scores
        return picture(at_s, looks, 0.1, quality=poor) if at_s >= 20 else picture(at_s, looks)

    film = await watch_film(shows, 60)
    compared = [look.check for look in film.looks if look.check is not None]
    assert all(check.result is not CheckResult.NO_MATCH for check in compared)
    assert {check.reason for check in compared if check.at_s > 26} == {condition}
    kinds = {"dark": {"too_dark"}, "covered": {"camera_covered"}, "blurred": set()}[condition]
    told = set() if condition == "covered" else {"identity_not_assessed"}
    assert film.kinds == kinds | told


def changed(at_s: float, looks: Looks, **more: object) -> FrameAssessment:
    """As ever before the twentieth second, and with *more* from then on."""
    return picture(at_s, looks, **more if at_s >= 20 else {})  # type: ignore[arg-type]


async def test_a_picture_that_stands_still_is_an_incident() -> None:
    film = await watch_film(lambda s, looks: changed(s, looks, fingerprint=bytes(768)), 60)
    assert [(kind, at_s) for kind, at_s, _ in film.opened] == [("camera_frozen", 31.0)]


async def test_a_second_face_is_an_incident() -> None:
    two = tuple(FaceFinding(box, 0.9, False, REFERENCE) for box in (FACE, ELSEWHERE))
    film = await watch_film(lambda s, looks: changed(s, looks, faces=two), 60)
    assert [(kind, at_s) for kind, at_s, _ in film.opened] == [("multiple_faces", 23.0)]


async def test_looks_aside_of_the_usual_are_an_incident() -> None:
    aside = Gaze(0.0, 0.0, 0.65)

    def shows(at_s: float, looks: Looks) -> FrameAssessment:
        return (
            picture(at_s, looks, gaze=aside) if at_s >= 40 and looks.gaze else picture(at_s, looks)
        )

    film = await watch_film(shows, 60)
    assert [kind for kind, *_ in film.opened] == ["looking_away"]


async def test_what_an_own_network_says_is_kept_and_opens_nothing() -> None:
    shown = Liveness(ModelId("mini", "1a2b3c4d"), 0.01)

    def shows(at_s: float, looks: Looks) -> FrameAssessment:
        return picture(at_s, looks, liveness=shown if looks.presentation else None)

    film = await watch_film(shows, 60)
    told = [
        each.values for each in film.items if isinstance(each, Observation) and each.name == OWN_PAD
    ]
    assert told == [{"live": 0.01, "network": "mini/1a2b3c4d"}] * 4
    assert film.opened == []


async def test_a_telephone_that_stays_in_view_is_an_incident() -> None:
    phone = (Thing("phone", Box(0, 0, 40, 80), 0.6),)

    def shows(at_s: float, looks: Looks) -> FrameAssessment:
        return picture(at_s, looks, things=phone) if looks.things else picture(at_s, looks)

    film = await watch_film(shows, 90)
    assert [kind for kind, *_ in film.opened] == ["phone_visible"]

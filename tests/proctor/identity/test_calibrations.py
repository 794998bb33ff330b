import numpy as np
import pytest
from sqlalchemy.orm import Session

from biometrics.cohort import CentredComparison
from biometrics.comparison import ComparisonScore
from biometrics.types import Box, Template
from proctor.identity import calibrations, enrolment, protection
from proctor.identity.checks import FaceIdentity
from proctor.inference import FaceFinding, FrameAssessment, face_comparison
from proctor.people.tables import Account
from proctor.vault import SubjectKey, Vault
from tests.support.camera import GOOD
from tests.support.cast import NOON, Cast
from tests.support.references import reference_of

pytestmark = pytest.mark.db

VAULT = Vault(bytes(32))
CARD = face_comparison("opencv")


def enrol(tx: Session, cast: Cast, count: int, rotation: int = 1) -> list[Account]:
    """So many people with a confirmed reference, whose faces are chance."""
    random = np.random.default_rng(0)
    people = []
    for number in range(count):
        person = Account(
            institution_id=cast.institution.id,
            email=f"{rotation}-{number}@example.org",
            name=str(number),
            role=cast.alice.role,
        )
        tx.add(person)
        tx.flush()
        template = Template(CARD.model_id, random.normal(size=128))
        reference_of(
            tx,
            person,
            NOON,
            model_id=str(CARD.model_id),
            samples=1,
            sealed=protection.seal(tx, VAULT, person.id, [template]),
            rotation=rotation,
        )
        people.append(person)
    tx.flush()
    return people


def model_of(tx: Session, person: Account, rotation: int = 1) -> str:
    found = calibrations.comparison_for(tx, VAULT, CARD, person, rotation, NOON)
    return str(found.model_id)


def test_nothing_is_centred_until_somebody_says_so(tx: Session, cast: Cast) -> None:
    enrol(tx, cast, 60)
    assert model_of(tx, cast.alice) == "sface/2021dec-int8bq"
    home = cast.institution.id
    assert calibrations.put_in_force(tx, CARD, home, {"people": 60}, NOON) == 1
    assert model_of(tx, cast.alice) == "sface/2021dec-int8bq+own1"
    calibrations.end(tx, home, NOON)
    assert calibrations.in_force(tx, CARD, home) is None
    assert model_of(tx, cast.alice) == "sface/2021dec-int8bq"
    assert calibrations.put_in_force(tx, CARD, home, {"people": 60}, NOON) == 2


def test_fewer_than_sixty_people_leave_the_card_in_force(tx: Session, cast: Cast) -> None:
    people = enrol(tx, cast, 59)
    calibrations.put_in_force(tx, CARD, cast.institution.id, {}, NOON)
    assert model_of(tx, people[0]) == "sface/2021dec-int8bq"
    assert model_of(tx, cast.alice, rotation=2) == "sface/2021dec-int8bq"
    assert model_of(tx, cast.alice) == "sface/2021dec-int8bq+own1"
    tx.get_one(SubjectKey, people[0].id).destroyed_at = NOON
    assert model_of(tx, cast.alice) == "sface/2021dec-int8bq"


def test_sixty_people_are_compared_by_their_calibration_each_of_them(
    tx: Session, cast: Cast
) -> None:
    people = enrol(tx, cast, 60)
    calibrations.put_in_force(tx, CARD, cast.institution.id, {}, NOON)
    assert {model_of(tx, person) for person in people} == {"sface/2021dec-int8bq+own1"}


def test_a_calibration_of_another_model_is_none_of_this(tx: Session, cast: Cast) -> None:
    calibrations.put_in_force(tx, face_comparison("dlib"), cast.institution.id, {}, NOON)
    assert calibrations.in_force(tx, CARD, cast.institution.id) is None


def test_a_threshold_of_its_own_holds_in_sittings_and_at_enrolment(tx: Session, cast: Cast) -> None:
    enrol(tx, cast, 60)
    home, model = cast.institution.id, "sface/2021dec-int8bq"
    calibrations.put_in_force(tx, CARD, home, {}, NOON, by=cast.olga.id, threshold=0.45)
    own = calibrations.in_force(tx, CARD, home)
    assert own is not None
    assert (own.threshold, own.by, own.at) == (0.45, cast.olga.id, NOON)
    (named, point) = calibrations.thresholds(tx, home).popitem()
    assert (named, point.threshold, point.fmr) == (f"{model}+own1", 0.45, 1e-4)
    stricter = calibrations.comparison_for(tx, VAULT, CARD, cast.alice, 1, NOON)
    assert not stricter.accepts(ComparisonScore(stricter.model_id, 0.44, 3.0), "verification")
    assert stricter.accepts(ComparisonScore(stricter.model_id, 0.45, 3.0), "verification")
    # the other points stay the card's, and so does everything once it is ended
    assert stricter.accepts(ComparisonScore(stricter.model_id, 0.372, 0.0), "id_photo")
    calibrations.end(tx, home, NOON, by=cast.olga.id)
    assert calibrations.comparison_for(tx, VAULT, CARD, cast.alice, 1, NOON) is CARD


def test_a_threshold_below_that_of_the_card_is_not_used(tx: Session, cast: Cast) -> None:
    home = cast.institution.id
    calibrations.put_in_force(tx, CARD, home, {}, NOON, threshold=0.3)
    own = calibrations.in_force(tx, CARD, home)
    assert own is not None
    assert (own.threshold, calibrations.thresholds(tx, home)) == (0.428, {})


@pytest.mark.parametrize(("threshold", "accepted"), [(None, 2), (0.479, 1)])
def test_samples_of_an_enrolment_are_compared_as_sittings_are(
    tx: Session, cast: Cast, threshold: float | None, accepted: int
) -> None:
    enrol(tx, cast, 60)
    calibrations.put_in_force(tx, CARD, cast.institution.id, {}, NOON, threshold=threshold)
    random = np.random.default_rng(5)
    face, aside = (each / np.linalg.norm(each) for each in random.normal(size=(2, 128)))
    aside -= (aside @ face) * face
    aside /= np.linalg.norm(aside)
    # 0.45 to the first, and about as much beside the others: their scores are all near 0
    for vector in (face, 0.45 * face + np.sqrt(1 - 0.45**2) * aside):
        template = Template(CARD.model_id, vector.astype(np.float32))
        found = FaceFinding(Box(200, 100, 160, 200), 0.95, too_small=False, template=template)
        seen = FrameAssessment(640, 480, GOOD, (found,), (CARD.model_id,))
        progress = enrolment.add_face(tx, VAULT, CARD, cast.alice.id, seen, NOON)
    assert progress.accepted == accepted


def test_the_sequential_test_takes_centred_scores_and_names_them(tx: Session, cast: Cast) -> None:
    enrol(tx, cast, 120)
    calibrations.put_in_force(tx, CARD, cast.institution.id, {}, NOON)
    own = calibrations.comparison_for(tx, VAULT, CARD, cast.alice, 1, NOON)
    assert isinstance(own, CentredComparison)
    assert own.others.shape == (100, 128)
    random = np.random.default_rng(7)
    face = random.normal(size=128)
    probes = [Template(CARD.model_id, face + 0.3 * random.normal(size=128)) for _ in range(4)]
    identity = FaceIdentity(own, probes[0])
    found = [identity.add(probe) for probe in probes[1:]]
    assert {str(each.score.model_id) for each in found} == {"sface/2021dec-int8bq+own1"}
    assert identity.is_established
    other = FaceIdentity(own, Template(CARD.model_id, random.normal(size=128)))
    assert [other.add(probe).decision for probe in probes[:3]][-1] == "no_match"

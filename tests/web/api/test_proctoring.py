import pytest

from proctor.people.tables import Account
from proctor.sittings.interventions import said_in
from proctor.sittings.tables import Sitting, SittingState
from tests.support.service import Service
from tests.support.sittings import sitting_of

pytestmark = pytest.mark.db
REASON = "The fire alarm rings."
ACTS = {
    "messages": {"act": "message", "words": "Hello"},
    "pause": {"reason": REASON},
    "resume": {},
    "extension": {"minutes": 5, "reason": REASON},
    "end": {"reason": REASON, "confirmed": True},
}

TOO_LITTLE: list[tuple[str, dict[str, object]]] = [
    ("messages", {"act": "message"}),
    ("messages", {"act": "message", "words": "Hello", "phrase": "light"}),
    ("messages", {"act": "message", "phrase": "unheard_of"}),
    ("messages", {"act": "end", "words": "Hello"}),
    ("pause", {"reason": "short"}),
    ("extension", {"minutes": 0, "reason": REASON}),
    ("end", {"reason": REASON}),
    ("end", {"reason": REASON, "confirmed": False}),
]


def running(service: Service, learner: Account) -> str:
    with service.db.transaction() as tx:
        now = service.services.clock.now()
        return sitting_of(tx, service.cast, learner, now, SittingState.RUNNING).id


def acts(service: Service, sitting_id: str) -> list[str]:
    with service.db.reading() as tx:
        said = said_in(tx, service.services.vault, tx.get_one(Sitting, sitting_id))
    return [each.act.value for each in said]


def test_assigned_proctor_speaks_and_acts(service: Service) -> None:
    sitting_id = running(service, service.cast.alice)
    paula, path = service.client("paula"), f"/api/proctoring/{sitting_id}"
    said = paula.post(f"{path}/messages", json={"act": "warning", "phrase": "light"})
    assert (said.status_code, said.json()) == (200, {"number": 1})
    for name in ("pause", "resume", "extension"):
        assert paula.post(f"{path}/{name}", json=ACTS[name]).status_code == 200
    assert paula.post(f"{path}/end", json=ACTS["end"]).json() == {"ended": False}
    assert paula.post(f"{path}/end", json=ACTS["end"]).status_code == 409
    assert service.client("rita").post(f"{path}/end", json=ACTS["end"]).json() == {"ended": True}
    assert acts(service, sitting_id) == [
        "warning",
        "pause",
        "resume",
        "extension",
        "end_asked",
        "end",
    ]


def test_for_others_there_is_no_such_sitting(service: Service) -> None:
    sitting_id = running(service, service.cast.bob)
    for name in ("alice", "bob", "charlie", "quentin", "tom", "olga"):
        client = service.client(name)
        for act, body in ACTS.items():
            answer = client.post(f"/api/proctoring/{sitting_id}/{act}", json=body)
            assert (name, act, answer.status_code) == (name, act, 404)
    assert acts(service, sitting_id) == []


def test_what_says_too_little_is_refused(service: Service) -> None:
    sitting_id, paula = running(service, service.cast.bob), service.client("paula")
    for act, body in TOO_LITTLE:
        answer = paula.post(f"/api/proctoring/{sitting_id}/{act}", json=body)
        assert (act, body, answer.status_code) == (act, body, 422)
    assert acts(service, sitting_id) == []


def test_student_answers_in_their_own_sitting_only(service: Service) -> None:
    sitting_id = running(service, service.cast.bob)
    path = f"/api/sittings/{sitting_id}/replies"
    assert service.client("alice").post(path, json={"words": "Hello"}).status_code == 404
    # of another sign-in
    assert service.client("bob").post(path, json={"words": "Hello"}).status_code == 409
    assert acts(service, sitting_id) == []

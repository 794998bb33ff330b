from typing import Any

import pytest

from proctor.people import accounts
from proctor.people.tables import Role
from proctor.reports.certificate_register import rule
from proctor.reports.document import canonical, sha256_of
from proctor.reports.tables import Certificate, CertificateStatus
from tests.support.service import Service

pytestmark = pytest.mark.db

SHARE = {"num": 40, "den": 40, "percent": "100.00", "met": True}
DOCUMENT: dict[str, Any] = {
    "number": 1,
    "form": {
        "name_kk": "Тану",
        "name_ru": "Тану",
        "topic_kk": "Курс",
        "topic_ru": "Курс",
        "outcomes_kk": "Нәтиже",
        "outcomes_ru": "Итог",
        "credits": 5,
        "email": "office@example.org",
    },
    "holder": {"name": "Alice", "number": "SECRET-26001", "studies": "2"},
    "identity": {
        "text": {"kk": "Бұйрық", "ru": "Приказ", "en": "Order"},
        "required": True,
        "count": SHARE,
        "weight": SHARE,
        "methods": ["proctoring"],
    },
}


def certificate_of_alice(service: Service) -> str:
    body = canonical(DOCUMENT)
    with service.db.transaction() as tx:
        row = Certificate(
            institution_id=service.cast.institution.id,
            number=1,
            course_id=service.cast.course.id,
            account_id=service.cast.alice.id,
            issued_at=service.services.clock.now(),
            body=body,
            sha256=sha256_of(body),
        )
        tx.add(row)
        tx.flush()
        return row.id


def test_anybody_sees_the_status_and_as_little_as_needed(service: Service) -> None:
    identifier = certificate_of_alice(service)
    text = service.client(None).get(f"/certificates/{identifier}").text
    # nothing of hers is verified in this course
    assert 'data-status="under_review"' in text
    assert "Alice, …001" in text
    assert "SECRET" not in text
    assert "alice@example.org" not in text
    with service.db.transaction() as tx:
        now = service.services.clock.now()
        olga, home = service.cast.olga, service.cast.institution.id
        other = accounts.add(tx, home, "asel@example.org", "Asel", Role.EXAM_OFFICE)
        for by in (olga, other):
            rule(tx, identifier, CertificateStatus.REVOKED, "inner reason", by, now)
    after = service.client(None).get(f"/certificates/{identifier}").text
    assert 'data-status="revoked"' in after
    assert "inner reason" not in after


@pytest.mark.parametrize("shift", [-1, 1])
def test_neighbouring_ids_reveal_nothing(service: Service, shift: int) -> None:
    identifier = certificate_of_alice(service)
    neighbour = f"{(int(identifier, 16) + shift) % 16**32:032x}"
    answer = service.client(None).get(f"/certificates/{neighbour}")
    assert answer.status_code == 404
    assert "Alice" not in answer.text

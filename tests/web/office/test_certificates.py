import re

import pytest
from sqlalchemy import select

from proctor.people.tables import Account, Role
from proctor.reports.certificate_form import form_of
from proctor.reports.tables import Certificate
from tests.support.certificates import FORM
from tests.support.service import Service

pytestmark = pytest.mark.db

TEXTS = form_of(FORM).model_dump(mode="json") | {"requires_share": "false"}
REASON = "Protocol 4 of the council."


def results(*lines: str) -> dict[str, tuple[str, bytes]]:
    text = "\n".join(["learner_number,event_code,passed,studies", *lines])
    return {"file": ("results.csv", text.encode())}


@pytest.fixture
def page(service: Service) -> str:
    """Alice has a number; the address of the service is on the domain of the form."""
    with service.db.transaction() as tx:
        tx.get_one(Account, service.cast.alice.id).learner_number = "N-1"
    return f"/office/courses/{service.cast.course.id}/certificates"


def kept(service: Service, page: str) -> None:
    host = service.services.settings.url.split("//")[1].split(":")[0]
    answer = service.client("olga").post(f"{page}/texts", data=TEXTS | {"domain": host})
    assert answer.status_code == 303


def test_results_need_the_texts_first(service: Service, page: str) -> None:
    client = service.client("olga")
    assert client.post(page, files=results("N-1,final,yes,")).status_code == 422
    kept(service, page)
    text = client.get(page).text
    assert 'value="Тану университеті"' in text
    assert 'name="file"' in text


def test_a_refused_form_keeps_what_was_typed_and_says_what_is_wrong_where(
    service: Service, page: str
) -> None:
    client = service.client("olga")
    typed = {"credits": "many", "phone": "7" * 101, "topic_en": "x", "topic_ru": " <b>"}
    refused = client.post(f"{page}/texts", data=TEXTS | typed | {"email": "office", "name_ru": " "})
    assert refused.status_code == 422
    text = refused.text
    wrong = re.findall(r'id="(\w+)" name="\1" aria-invalid="true" aria-describedby="(.+?)"', text)
    names = ["name_ru", "email", "phone", "credits"]
    assert wrong == [(name, f"wrong-{name}") for name in names]
    said = dict(re.findall(r'id="wrong-(\w+)">(.+?)</p>', text))
    assert said == {
        "name_ru": "Fill this in.",
        "email": "Give an address like name@example.kz.",
        "phone": "At most 100 characters.",
        "credits": "Give a whole number from 1 to 120.",
    }
    # the first of them has the focus
    assert re.findall(r'aria-describedby="(\S+)" autofocus', text) == ["wrong-name_ru"]
    for value in ('value="many"', "7" * 101, 'value=" &lt;b&gt;"', 'value="office"'):
        assert value in text
    assert TEXTS["outcomes_ru"] in text
    assert '<option value="false" selected>' in text
    assert "Fields to put right: 4." in text
    assert client.get(page).text.count("aria-invalid") == 0


def test_ends_of_lines_are_counted_as_the_browser_counts_them(service: Service, page: str) -> None:
    lines = "\r\n".join(["x" * 9] * 100)
    answer = service.client("olga").post(f"{page}/texts", data=TEXTS | {"outcomes_kk": lines})
    assert answer.status_code == 303


def test_who_passed_gets_the_next_number_and_the_others_read_what_they_lack(
    service: Service, page: str
) -> None:
    kept(service, page)
    client = service.client("olga")
    refused = client.post(page, files=results("N-1,final,maybe,"))
    assert refused.status_code == 422
    assert "maybe" in refused.text
    passed = results("N-1,final,yes,2/4")
    said = client.post(page, files=passed)
    assert said.status_code == 200
    # of the others nobody reported anything
    assert 'id="lacking"' in said.text
    with service.db.reading() as tx:
        (row,) = tx.scalars(select(Certificate))
        assert (row.number, row.account_id) == (1, service.cast.alice.id)
    # a second time nobody gets a second one
    client.post(page, files=passed)
    assert 'id="n1"' in client.get(page).text
    assert 'id="n2"' not in client.get(page).text
    for who, path in (
        ("olga", f"/office/certificates/{row.id}.pdf"),
        ("alice", f"/courses/{service.cast.course.id}/certificate.pdf"),
    ):
        assert service.client(who).get(path).content.startswith(b"%PDF-")
    own = service.client("alice").get(f"/courses/{service.cast.course.id}/identity").text
    assert f"/certificates/{row.id}" in own


def test_revoking_takes_two_people(service: Service, page: str) -> None:
    kept(service, page)
    service.client("olga").post(page, files=results("N-1,final,yes,"))
    with service.db.transaction() as tx:
        row = tx.scalars(select(Certificate)).one()
        tx.get_one(Account, service.cast.tom.id).role = Role.EXAM_OFFICE
    ruling = {"status": "revoked", "reason": REASON}
    path = f"/office/certificates/{row.id}/rulings"
    seen = []
    for who in ("olga", "olga", "tom"):
        assert service.client(who).post(path, data=ruling).status_code == 303
        seen.append('data-status="revoked"' in service.client(who).get(page).text)
    assert seen == [False, False, True]
    # what was revoked is not printed and signed again
    own = f"/courses/{service.cast.course.id}"
    assert 'data-status="revoked"' in service.client("alice").get(f"{own}/identity").text
    for who, file in (
        ("alice", f"{own}/certificate.pdf"),
        ("olga", path.removesuffix("/rulings") + ".pdf"),
    ):
        assert service.client(who).get(file).status_code == 409
    assert service.client("olga").post(path, data=ruling | {"reason": "x"}).status_code == 422


def test_the_other_pages_of_the_register_are_reached_from_a_refused_form_too(
    service: Service, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.office.certificates._SHOWN", 1)
    kept(service, page)
    with service.db.transaction() as tx:
        tx.get_one(Account, service.cast.bob.id).learner_number = "N-2"
    client = service.client("olga")
    client.post(page, files=results("N-1,final,yes,", "N-2,final,yes,"))
    refused = client.post(f"{page}/texts", data=TEXTS | {"phone": ""})
    assert f'href="{page}?page=2#register"' in refused.text


def test_a_learner_without_a_certificate_has_no_file(service: Service, page: str) -> None:
    path = f"/courses/{service.cast.course.id}/certificate.pdf"
    assert service.client("alice").get(path).status_code == 404

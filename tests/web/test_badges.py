"""The badge beside a certificate: signed by the institution, checked by others' software."""

import base64
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from proctor.people.tables import Role
from proctor.reports.certificate_form import Results, form_of
from proctor.reports.certificate_register import rule
from proctor.reports.certificates import issue_certificates
from proctor.reports.tables import Certificate, CertificateStatus
from tests.support.certificates import FORM, URL
from tests.support.service import Service

pytestmark = pytest.mark.acceptance

# what a stranger does: fetches what the badge names and believes nothing else
CHECK = """
import json, sys
from openbadgeslib.ob3 import OB3Verifier, OB3VerificationError
pages = json.load(sys.stdin)
def download(url, *_, **__):
    return pages["at"][url].encode()
def check(token):
    try:
        verifier = OB3Verifier.for_issuer_did(pages["issuer"], download=download)
        found = verifier.verify(token, check_status=True, download=download)
        return [True, found.achievement.name, found.identifiers[1].identity_hash]
    except OB3VerificationError as error:
        return [False, str(error)]
picture = OB3Verifier.extract_token_from_svg(pages["picture"].encode())
print(json.dumps([check(token) for token in [*pages["tokens"], picture]]))
"""


def part(token: str, n: int) -> Any:
    return json.loads(decoded(token.split(".")[n]))


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def certificate_of_alice(service: Service) -> Certificate:
    form = form_of(FORM).model_copy(update={"requires_share": False})
    cast, now = service.cast, service.services.clock.now()
    with service.db.transaction() as tx:
        alice = tx.merge(cast.alice)
        alice.learner_number = "S-0001"
        results = Results({"S-0001": frozenset({"final"})}, {})
        course = tx.merge(cast.course)
        ((_, row),) = issue_certificates(tx, course, [alice], form, results, URL, now)
        assert isinstance(row, Certificate)
        return row


def get(service: Service, path: str) -> str:
    answer = service.client(None).get(path)
    assert answer.status_code == 200
    return answer.text


def rule_on(service: Service, row: Certificate, status: CertificateStatus) -> None:
    """Two of the office rule alike: one alone revokes nothing."""
    with service.db.transaction() as tx:
        olga, tom = tx.merge(service.cast.olga), tx.merge(service.cast.tom)
        tom.role = Role.EXAM_OFFICE
        for by in (olga, tom):
            rule(tx, row.id, status, "a reason", by, service.services.clock.now())


def status_bits(service: Service, row: Certificate) -> tuple[int, int]:
    token = get(service, f"/certificates/{row.id}/status.jwt")
    encoded = part(token, 1)["credentialSubject"]["encodedList"]
    first = gzip.decompress(decoded(encoded[1:]))[0]
    return first >> 7, first >> 6 & 1


def test_the_published_key_signs_the_badge_and_it_holds_no_address(service: Service) -> None:
    row = certificate_of_alice(service)
    token = get(service, f"/certificates/{row.id}/badge.jwt")
    (method,) = json.loads(get(service, "/.well-known/did.json"))["verificationMethod"]
    key = Ed25519PublicKey.from_public_bytes(decoded(method["publicKeyJwk"]["x"]))
    text, _, signature = token.rpartition(".")
    key.verify(decoded(signature), text.encode())
    with pytest.raises(InvalidSignature):
        key.verify(decoded(signature), text.encode()[:-1] + b"A")
    assert part(token, 0)["kid"].rpartition("#")[2] == method["id"].rpartition("#")[2]
    assert part(token, 1)["iss"] == "did:web:exams.tanu.example.org"
    assert b"alice@example.org" not in decoded(token.split(".")[1])
    assert b"S-0001" not in decoded(token.split(".")[1])
    assert get(service, f"/certificates/{row.id}/badge.jwt") == token


def test_the_status_follows_the_certificate_and_neighbours_have_none(service: Service) -> None:
    row = certificate_of_alice(service)
    for name in ("badge.jwt", "badge.svg", "status.jwt"):
        neighbour = f"{int(row.id, 16) ^ 1:032x}"
        assert service.client(None).get(f"/certificates/{neighbour}/{name}").status_code == 404
    assert status_bits(service, row) == (0, 0)
    rule_on(service, row, CertificateStatus.UNDER_REVIEW)
    assert status_bits(service, row) == (0, 1)
    rule_on(service, row, CertificateStatus.REVOKED)
    assert status_bits(service, row) == (1, 0)
    page = get(service, f"/certificates/{row.id}")
    assert "badge.jwt" not in page


def test_openbadgeslib_verifies_the_badge_until_it_is_revoked(
    service: Service, tmp_path: Path
) -> None:
    library = tmp_path / "openbadgeslib"
    install = (sys.executable, "-m", "pip", "install", "-q", "--target", str(library))
    wanted = "openbadgeslib==4.6.3"
    if subprocess.run((*install, wanted), capture_output=True).returncode:
        pytest.skip("no package index to install openbadgeslib from")
    row = certificate_of_alice(service)
    token = get(service, f"/certificates/{row.id}/badge.jwt")
    head, body, signature = token.split(".")
    forged = decoded(body).replace(b'"creditsEarned":5', b'"creditsEarned":9')
    changed = base64.urlsafe_b64encode(forged).decode().rstrip("=")
    host = URL.removeprefix("https://")
    document = get(service, "/.well-known/did.json").replace("127.0.0.1%3A8000", host)

    def checked() -> list[list[Any]]:
        pages = {
            "issuer": f"did:web:{host}",
            "picture": get(service, f"/certificates/{row.id}/badge.svg"),
            "tokens": [token, f"{head}.{changed}.{signature}"],
            "at": {
                f"{URL}/.well-known/did.json": document,
                f"{URL}/certificates/{row.id}/status.jwt": get(
                    service, f"/certificates/{row.id}/status.jwt"
                ),
            },
        }
        done = subprocess.run(
            (sys.executable, "-c", CHECK),
            input=json.dumps(pages),
            env={**os.environ, "PYTHONPATH": str(library)},
            capture_output=True,
            check=True,
            text=True,
        )
        found: list[list[Any]] = json.loads(done.stdout)
        return found

    good, bad, picture = checked()
    assert good[:2] == [True, "Цифрлық сауаттылық / Цифровая грамотность"]
    assert picture == good
    assert bad == [False, "Invalid signature"]
    rule_on(service, row, CertificateStatus.REVOKED)
    assert "revocation" in checked()[0][1]
    rule_on(service, row, CertificateStatus.VALID)
    assert checked()[0][0]
    rule_on(service, row, CertificateStatus.UNDER_REVIEW)
    assert "suspension" in checked()[0][1]

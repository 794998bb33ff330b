"""The public page of a certificate and its badge, by an id that nobody can guess; minimum data."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy.orm import Session

from proctor.people.tables import Account
from proctor.reports.badges import badge, badge_image, issuer_document, status_list
from proctor.reports.certificate_pdf import certificate_pdf, identity_line
from proctor.reports.certificate_register import status_of
from proctor.reports.certificates import CertificateRevoked, certificate, document_of
from proctor.reports.signing import Seal
from proctor.reports.tables import Certificate, CertificateStatus
from proctor.settings import signing_key
from web.access import ReadTx, Services, ServicesDep, public
from web.downloads import download
from web.pages import locale_of, page

router = APIRouter(include_in_schema=False)
# wallets that check a badge in a browser fetch from their own site
_ANYWHERE = {"Access-Control-Allow-Origin": "*"}


@router.get("/certificates/{certificate_id}", dependencies=[public()])
def certificate_page(
    request: Request, certificate_id: str, tx: ReadTx, at: ServicesDep
) -> Response:
    row = certificate(tx, certificate_id)
    document = document_of(row)
    response = page(
        request,
        "certificate.html",
        document=document,
        state=status_of(tx, row, at.clock.now()).value,
        issued_at=row.issued_at,
        sha256=row.sha256,
        identity=identity_line(document, locale_of(request)),
        # kk and ru are on the form, other languages read the Russian texts
        side="kk" if locale_of(request) == "kk" else "ru",
    )
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@router.get("/certificates/{certificate_id}/badge.jwt", dependencies=[public()])
def badge_file(certificate_id: str, tx: ReadTx, at: ServicesDep) -> Response:
    token = _badge(certificate_id, tx, at)
    return Response(token, media_type="application/vc+jwt", headers=_ANYWHERE)


@router.get("/certificates/{certificate_id}/badge.svg", dependencies=[public()])
def badge_picture(certificate_id: str, tx: ReadTx, at: ServicesDep) -> Response:
    document = document_of(certificate(tx, certificate_id))
    picture = badge_image(document, _badge(certificate_id, tx, at))
    return Response(picture, media_type="image/svg+xml", headers=_ANYWHERE)


@router.get("/certificates/{certificate_id}/status.jwt", dependencies=[public()])
def badge_status(certificate_id: str, tx: ReadTx, at: ServicesDep) -> Response:
    row, now = certificate(tx, certificate_id), at.clock.now()
    link, status = document_of(row)["link"], status_of(tx, row, now)
    token = status_list(link, status, now, signing_key(at.settings))
    return Response(token, media_type="application/vc+jwt", headers=_ANYWHERE)


@router.get("/.well-known/did.json", dependencies=[public()])
def issuer(at: ServicesDep) -> Response:
    """Whose signature the badges carry."""
    document = issuer_document(at.settings.url, signing_key(at.settings))
    return JSONResponse(document, headers=_ANYWHERE)


def certificate_file(tx: Session, row: Certificate, at: Services) -> Response:
    """The certificate on paper, with the seal of the institution. Raises CertificateRevoked."""
    if status_of(tx, row, at.clock.now()) is CertificateStatus.REVOKED:
        raise CertificateRevoked
    settings = at.settings
    seal = Seal(settings.pdf_key, settings.institution, settings.timestamp_url)
    content = seal.sign(certificate_pdf(document_of(row), row.sha256), at.clock.now())
    return download(content, f"certificate-{row.number}.pdf")


def _badge(certificate_id: str, tx: ReadTx, at: ServicesDep) -> str:
    row = certificate(tx, certificate_id)
    holder = tx.get_one(Account, row.account_id)
    return badge(document_of(row), holder.email, signing_key(at.settings))

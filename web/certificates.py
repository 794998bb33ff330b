"""The public page of a certificate, by an id that nobody can guess; minimum data."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from proctor.reports.certificate_pdf import identity_line
from proctor.reports.certificates import certificate, document_of, status_of
from web.access import ReadTx, ServicesDep, public
from web.pages import locale_of, page

router = APIRouter(include_in_schema=False)


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

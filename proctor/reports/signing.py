"""Signs a PDF with the institution's certificate (PAdES), for anybody to check with public tools.

A PDF enters, the same PDF with a certifying signature over every byte leaves.
"""

import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from asn1crypto import keys, pem, tsp, x509
from cryptography import x509 as certificates
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, SimpleSigner, sign_pdf
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.timestamps import TimeStamper, TimestampRequestError
from pyhanko_certvalidator.registry import SimpleCertificateStore

from proctor.errors import Unavailable

_VALID = timedelta(days=3650)
_TIMEOUT_S = 10.0


class TimestampUnavailable(Unavailable):
    """The timestamp authority does not answer, or not with a timestamp."""

    key = "error.timestamp_unavailable"


@dataclass(frozen=True, slots=True)
class Seal:
    """What signs PDFs. ``file``: PEM with the private key and its certificate, then those that
    vouch for it; ``timestamp_url``: an RFC 3161 authority, None for none."""

    file: Path
    institution: str
    timestamp_url: str | None = None

    def sign(self, pdf: bytes, now: datetime) -> bytes:
        """*pdf* signed; nothing may be changed in it afterwards. Raises TimestampUnavailable."""
        if not self.file.exists():
            _make(self.file, self.institution, now)
        described = PdfSignatureMetadata(
            field_name="Institution",
            name=self.institution,
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            certify=True,
            docmdp_permissions=MDPPerm.NO_CHANGES,
        )
        try:
            signed: io.BytesIO = sign_pdf(
                IncrementalPdfFileWriter(io.BytesIO(pdf)),
                described,
                signer=_signer(self.file),
                timestamper=_Authority(self.timestamp_url) if self.timestamp_url else None,
            )
        except (httpx2.HTTPError, TimestampRequestError) as error:
            raise TimestampUnavailable from error
        return signed.getvalue()


class _Authority(TimeStamper):
    """An RFC 3161 authority over HTTP."""

    def __init__(self, url: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._url = url

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        async with httpx2.AsyncClient(timeout=_TIMEOUT_S) as client:
            response = await client.post(
                self._url,
                content=req.dump(),
                headers={"Content-Type": "application/timestamp-query"},
            )
        response.raise_for_status()
        try:
            return tsp.TimeStampResp.load(response.content)
        except ValueError as error:
            raise TimestampUnavailable from error


def _make(file: Path, institution: str, now: datetime) -> None:
    """A key and a certificate that vouches for itself, for an institution that has no other."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = certificates.Name(
        [certificates.NameAttribute(certificates.NameOID.COMMON_NAME, institution[:64])]
    )
    usage = dict.fromkeys(
        ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
         "encipher_only", "decipher_only"), False
    )  # fmt: skip
    made = (
        certificates.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(certificates.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALID)
        .add_extension(certificates.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            certificates.KeyUsage(digital_signature=True, content_commitment=True, **usage),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.touch(mode=0o600, exist_ok=False)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))


def _signer(file: Path) -> Any:
    found = list(pem.unarmor(file.read_bytes(), multiple=True))
    (private,) = [der for kind, _, der in found if kind == "PRIVATE KEY"]
    own, *others = [x509.Certificate.load(der) for kind, _, der in found if kind == "CERTIFICATE"]
    # untyped in the library
    beside: Any = SimpleCertificateStore
    return SimpleSigner(
        signing_cert=own,
        signing_key=keys.PrivateKeyInfo.load(private),
        cert_registry=beside.from_certs(others),
    )

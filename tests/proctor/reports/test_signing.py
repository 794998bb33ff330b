import io
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import asn1crypto.keys
import asn1crypto.x509
import pikepdf
import pytest
from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper

from proctor.reports.issue import document_of
from proctor.reports.pdf import pdf_of
from proctor.reports.signing import Seal, TimestampUnavailable
from proctor.reports.tables import IssuedReport

pytestmark = pytest.mark.db

VALIDATE = """
import sys
from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
blocks = pem.unarmor(open(sys.argv[2], "rb").read(), multiple=True)
trusted = [x509.Certificate.load(der) for kind, _, der in blocks if kind == "CERTIFICATE"]
(signature,) = PdfFileReader(open(sys.argv[1], "rb")).embedded_signatures
status = validate_pdf_signature(signature, ValidationContext(trust_roots=trusted))
sys.exit(0 if status.bottom_line and status.coverage.name == "ENTIRE_FILE" else 3)
"""


@pytest.fixture
def seal(tmp_path: Path) -> Seal:
    return Seal(tmp_path / "secrets" / "pdf.pem", "Tanu University")


@pytest.fixture
def signed(report: IssuedReport, seal: Seal, tmp_path: Path) -> Path:
    file = tmp_path / "report.pdf"
    pdf = pdf_of(document_of(report), report.sha256, "kk")
    file.write_bytes(seal.sign(pdf, datetime.now(UTC)))
    return file


def valid(file: Path, seal: Seal) -> bool:
    """What another process, which knows the file and the certificate alone, says of it."""
    command = [sys.executable, "-c", VALIDATE, file, seal.file]
    return subprocess.run(command, capture_output=True).returncode == 0


def test_signature_validates_in_another_process(signed: Path, seal: Seal) -> None:
    assert valid(signed, seal)
    assert seal.file.stat().st_mode & 0o777 == 0o600


def test_one_flipped_byte_breaks_the_signature(signed: Path, seal: Seal) -> None:
    data = bytearray(signed.read_bytes())
    data[len(data) // 3] ^= 1
    signed.write_bytes(data)
    assert not valid(signed, seal)


@pytest.mark.skipif(shutil.which("pdfsig") is None, reason="pdfsig is not installed")
def test_pdfsig_finds_the_signature_valid_until_a_byte_is_flipped(signed: Path) -> None:
    def said() -> str:
        return subprocess.run(["pdfsig", "-nocert", signed], capture_output=True, text=True).stdout

    assert "Signature is Valid" in said()
    assert "ETSI.CAdES.detached" in said()
    data = bytearray(signed.read_bytes())
    data[len(data) // 3] ^= 1
    signed.write_bytes(data)
    assert "Signature is Valid" not in said()


def test_signed_report_still_says_that_it_is_pdf_a_and_pdf_ua(signed: Path) -> None:
    with pikepdf.open(signed) as pdf:
        meta = pdf.open_metadata()
        assert (meta["pdfaid:part"], meta["pdfaid:conformance"]) == ("2", "A")
        assert meta["pdfuaid:part"] == "1"
        assert pdf.Root.MarkInfo.Marked
        assert str(pdf.Root.Lang).startswith("kk")


@pytest.fixture
def authority() -> Iterator[str]:
    """A time-stamping authority with a key of its own."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Time")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(datetime(2026, 1, 1))
        .not_valid_after(datetime(2036, 1, 1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    stamper = DummyTimeStamper(
        asn1crypto.x509.Certificate.load(made.public_bytes(Encoding.DER)),
        asn1crypto.keys.PrivateKeyInfo.load(private),
    )

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(stamper.request_tsa_response(asked).dump())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_configured_authority_dates_the_signature(
    report: IssuedReport, seal: Seal, authority: str
) -> None:
    dated = Seal(seal.file, seal.institution, authority)
    pdf = dated.sign(pdf_of(document_of(report), report.sha256, "kk"), datetime.now(UTC))
    (signature,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    attributes = {each["type"].native for each in signature.signer_info["unsigned_attrs"]}
    assert "signature_time_stamp_token" in attributes


def test_authority_that_is_away_is_an_error_of_its_own(report: IssuedReport, seal: Seal) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        pdf = pdf_of(document_of(report), report.sha256, "kk")
        with pytest.raises(TimestampUnavailable):
            Seal(seal.file, seal.institution, away).sign(pdf, datetime.now(UTC))

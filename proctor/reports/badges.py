"""The Open Badges 3.0 credential of a certificate: its frozen document enters, a JWT leaves.

The institution is ``did:web`` of the host in the certificate's link; its Ed25519 key signs.
"""

import base64
import gzip
import hashlib
from datetime import datetime, timedelta
from urllib.parse import quote, urlsplit
from xml.sax.saxutils import escape, quoteattr

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from proctor.clock import written
from proctor.reports.certificate_pdf import identity_line
from proctor.reports.document import Json, canonical
from proctor.reports.tables import CertificateStatus

_CONTEXT = [
    "https://www.w3.org/ns/credentials/v2",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
    "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json",
]
_FORM = {
    "id": "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/"
    "ob_v3p0_achievementcredential_schema.json",
    "type": "1EdTechJsonSchemaValidator2019",
}
# place in the list of a certificate; W3C Bitstring Status List 1.0 asks for 16 KiB at least
_BITS = {CertificateStatus.REVOKED: 0, CertificateStatus.UNDER_REVIEW: 1}
_PURPOSES = {
    CertificateStatus.REVOKED: "revocation",
    CertificateStatus.UNDER_REVIEW: "suspension",
}
_LIST_BYTES = 16 * 1024
# a copy of the list that is older than this is refused, so no old one can be passed for new
_LIST_FOR = timedelta(hours=1)
_LINE = 26


def issuer_of(url: str) -> str:
    """The institution as ``did:web``, at the host of *url*."""
    return "did:web:" + quote(urlsplit(url).netloc, safe="")


def issuer_document(url: str, key: Ed25519PrivateKey) -> Json:
    """The DID document that ``/.well-known/did.json`` of the host answers: the public key."""
    issuer, jwk = issuer_of(url), _public_jwk(key)
    name = f"{issuer}#{_thumbprint(jwk)}"
    return {
        "@context": [
            "https://www.w3.org/ns/did/v1",
            "https://w3id.org/security/suites/jws-2020/v1",
        ],
        "id": issuer,
        "verificationMethod": [
            {"id": name, "type": "JsonWebKey2020", "controller": issuer, "publicKeyJwk": jwk}
        ],
        "assertionMethod": [name],
    }


def badge(document: Json, email: str, key: Ed25519PrivateKey) -> str:
    """The credential of a certificate as compact JWT (VC-JWT); the same whenever it is made.

    ``email``: of the holder; the credential holds its salted hash only.
    """
    form, link = document["form"], document["link"]
    holder = f"{link}#holder"
    issued = datetime.fromisoformat(document["issued_at"])
    name = " / ".join(dict.fromkeys((form["topic_kk"], form["topic_ru"])))
    outcomes = "\n".join(dict.fromkeys((form["outcomes_kk"], form["outcomes_ru"])))
    credential = {
        "@context": _CONTEXT,
        "id": link,
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": name,
        "issuer": {
            "id": issuer_of(link),
            "type": ["Profile"],
            "name": " / ".join(dict.fromkeys((form["name_kk"], form["name_ru"]))),
            "url": _home(link),
            "email": form["email"],
            "phone": form["phone"],
        },
        "validFrom": document["issued_at"],
        "credentialSubject": {
            "id": holder,
            "type": ["AchievementSubject"],
            "identifier": [
                _identifier("name", document["holder"]["name"]),
                _identifier("emailAddress", email, salt=document["id"]),
            ],
            "creditsEarned": form["credits"],
            "achievement": {
                "id": f"{link}#course",
                "type": ["Achievement"],
                "achievementType": "CertificateOfCompletion",
                "name": name,
                "description": outcomes,
                "criteria": {"id": link, "narrative": outcomes},
                "creditsAvailable": form["credits"],
            },
        },
        "evidence": [
            {
                "id": link,
                "type": ["Evidence"],
                "name": ", ".join(document["identity"]["methods"]) or "–",
                "narrative": "\n".join(identity_line(document, x) for x in ("kk", "ru", "en")),
            }
        ],
        "credentialSchema": [_FORM],
        "credentialStatus": [
            {
                "id": f"{_list_url(link)}#{bit}",
                "type": "BitstringStatusListEntry",
                "statusPurpose": _PURPOSES[status],
                "statusListIndex": str(bit),
                "statusListCredential": _list_url(link),
            }
            for status, bit in _BITS.items()
        ],
    }
    claims = {"iss": issuer_of(link), "sub": holder, "jti": link, "nbf": int(issued.timestamp())}
    return _signed({**credential, **claims}, key)


def badge_image(document: Json, token: str) -> bytes:
    """A picture (SVG) that carries the credential, for wallets and profiles."""
    form = document["form"]
    lines = _wrapped(form["topic_kk"])[:5]
    texts = [(f"{300 - 26 * len(lines) + 52 * n}", 40, line) for n, line in enumerate(lines)]
    texts += [("490", 24, _wrapped(form["name_kk"])[0]), ("530", 22, f"№ {document['number']}")]
    drawn = "".join(
        f'<text x="300" y="{y}" font-size="{size}" text-anchor="middle" fill="#ffffff" '
        f'font-family="sans-serif">{escape(text)}</text>'
        for y, size, text in texts
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 600" role="img" '
        f"aria-label={quoteattr(form['topic_kk'])}>"
        '<circle cx="300" cy="300" r="294" fill="#12355b"/>'
        '<circle cx="300" cy="300" r="276" fill="none" stroke="#ffffff" stroke-width="3"/>'
        f"{drawn}"
        '<openbadges:credential xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0" '
        f'verify="{token}"/></svg>'
    ).encode()


def status_list(link: str, status: CertificateStatus, now: datetime, key: Ed25519PrivateKey) -> str:
    """The signed status list (W3C Bitstring Status List) of the certificate at *link*.

    A list of its own for each certificate, so that none says anything of a neighbour.
    """
    bits = bytearray(_LIST_BYTES)
    if status in _BITS:
        bits[0] = 0x80 >> _BITS[status]
    encoded = base64.urlsafe_b64encode(gzip.compress(bytes(bits), mtime=0)).decode()
    url, until = _list_url(link), now + _LIST_FOR
    return _signed(
        {
            "@context": _CONTEXT[:1],
            "id": url,
            "type": ["VerifiableCredential", "BitstringStatusListCredential"],
            "issuer": issuer_of(link),
            "validFrom": written(now),
            "validUntil": written(until),
            "credentialSubject": {
                "id": f"{url}#list",
                "type": "BitstringStatusList",
                "statusPurpose": list(_PURPOSES.values()),
                "encodedList": "u" + encoded.rstrip("="),
            },
            "iss": issuer_of(link),
            "jti": url,
            "sub": f"{url}#list",
            "nbf": int(now.timestamp()),
            "exp": int(until.timestamp()),
        },
        key,
    )


def _signed(payload: Json, key: Ed25519PrivateKey) -> str:
    """*payload* as JWS in compact form (RFC 7515), EdDSA (RFC 8037)."""
    jwk = _public_jwk(key)
    header = {"alg": "EdDSA", "typ": "JWT", "kid": f"{payload['iss']}#{_thumbprint(jwk)}"}
    text = ".".join(_encoded(canonical(part).encode()) for part in (header, payload))
    return f"{text}.{_encoded(key.sign(text.encode()))}"


def _public_jwk(key: Ed25519PrivateKey) -> Json:
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"crv": "Ed25519", "kty": "OKP", "x": _encoded(raw)}


def _thumbprint(jwk: Json) -> str:
    """Name of a key that changes with it (RFC 7638)."""
    return _encoded(hashlib.sha256(canonical(jwk).encode()).digest())


def _identifier(kind: str, value: str, salt: str | None = None) -> Json:
    said: Json = {"type": "IdentityObject", "identityType": kind}
    if salt is None:
        return {**said, "hashed": False, "identityHash": value}
    digest = hashlib.sha256((value + salt).encode()).hexdigest()
    return {**said, "hashed": True, "identityHash": f"sha256${digest}", "salt": salt}


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _list_url(link: str) -> str:
    return f"{link}/status.jwt"


def _home(link: str) -> str:
    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.netloc}"


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= _LINE:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines

"""Deployment facts. Exam decisions live in policies, operating points in model cards."""

import re
import secrets
from pathlib import Path
from typing import Literal, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

# RFC 7065; browsers speak turns: over TCP only
_TURN_URL = re.compile(
    r"turn(?P<tls>s)?:(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:(?P<port>\d{1,5}))?"
    r"(\?transport=(?(tls)tcp|(udp|tcp)))?",
    re.IGNORECASE,
)


class Settings(BaseSettings):
    """Every setting is read from the environment with the prefix ``PROCTOR_``."""

    # secrets are among them, which an error would else print
    model_config = SettingsConfigDict(env_prefix="PROCTOR_", frozen=True, hide_input_in_errors=True)

    data_dir: Path = Path("var")
    database_url: str | None = None
    models_dir: Path = Path("var/models")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    public_url: str | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    media_address: str = "127.0.0.1"
    media_port: int = Field(default=0, ge=0, le=65535)
    turn_urls: str | None = None
    turn_secret: str | None = Field(default=None, repr=False)
    institution: str = "Tanu University"
    timestamp_url: str | None = None
    face_backend: Literal["opencv", "dlib", "dlib-compat"] = "opencv"
    pad_model: Path | None = None
    pad_hash: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    analysis_workers: int = Field(default=1, ge=1, le=64)
    min_free_mib: int = Field(default=512, ge=0)
    review_sample_percent: float = Field(default=0, ge=0, le=100)
    second_review_percent: float = Field(default=0, ge=0, le=100)
    control_percent: float = Field(default=0, ge=0, le=20)
    expiry_percent: float = Field(default=50, ge=0, le=100)
    first_look: bool = False
    whip: bool = False

    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: str | None = Field(default=None, repr=False)
    smtp_from: str | None = None

    @model_validator(mode="after")
    def _has_a_sender(self) -> Self:
        if self.smtp_host is not None and self.smtp_from is None:
            raise ValueError("PROCTOR_SMTP_HOST needs PROCTOR_SMTP_FROM")
        return self

    @field_validator("media_address")
    @classmethod
    def _is_one_address(cls, given: str) -> str:
        # however all of them are written: empty, 0, 0.0.0.0, ::, 0:0::0
        if not given.strip(" 0.:"):
            raise ValueError(
                f"PROCTOR_MEDIA_ADDRESS: {given!r} stands for all addresses of this machine; "
                "set the one that browsers send to"
            )
        return given

    @model_validator(mode="after")
    def _has_a_whole_pad(self) -> Self:
        if (self.pad_model is None) != (self.pad_hash is None):
            raise ValueError("PROCTOR_PAD_MODEL and PROCTOR_PAD_HASH go together")
        return self

    @field_validator("turn_urls")
    @classmethod
    def _are_turn_urls(cls, given: str | None) -> str | None:
        for each in _listed(given):
            if not _is_turn_url(each):
                raise ValueError(
                    f"PROCTOR_TURN_URLS: {each!r} is no address of a relay, such as "
                    "turn:relay.example.org:3478?transport=udp or turns:relay.example.org:443"
                )
        return given

    @model_validator(mode="after")
    def _has_a_whole_relay(self) -> Self:
        if bool(self.relays) != bool(self.turn_secret):
            raise ValueError("PROCTOR_TURN_URLS and PROCTOR_TURN_SECRET go together")
        return self

    @property
    def relays(self) -> list[str]:
        """Addresses of the relay for students whose network lets no UDP out; none without one."""
        return _listed(self.turn_urls)

    @property
    def database(self) -> str:
        """URL of the database; SQLite in the data directory unless one is given."""
        return self.database_url or f"sqlite:///{self.data_dir / 'tanu.db'}"

    @property
    def url(self) -> str:
        """Where browsers reach the service."""
        scheme = "https" if self.tls_cert else "http"
        return self.public_url or f"{scheme}://{self.host}:{self.port}"

    @property
    def pdf_key(self) -> Path:
        """PEM with the key and the certificate that sign PDFs; made when first needed."""
        return self.data_dir / "secrets" / "pdf.pem"

    @property
    def recordings_dir(self) -> Path:
        return self.data_dir / "recordings"


def _listed(given: str | None) -> list[str]:
    return [each.strip() for each in (given or "").split(",") if each.strip()]


def _is_turn_url(url: str) -> bool:
    found = _TURN_URL.fullmatch(url)
    return found is not None and 1 <= int(found["port"] or 3478) <= 65535


def institution_key(settings: Settings) -> bytes:
    """The 32-byte key that wraps every person's key; made at first start, mode 0600."""
    path = settings.data_dir / "secrets" / "institution.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(secrets.token_bytes(32))
    return path.read_bytes()


def signing_key(settings: Settings) -> Ed25519PrivateKey:
    """The institution's Ed25519 key for evidence packs and badges; made at first start, 0600."""
    path = settings.data_dir / "secrets" / "signing.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(Ed25519PrivateKey.generate().private_bytes_raw())
    return Ed25519PrivateKey.from_private_bytes(path.read_bytes())

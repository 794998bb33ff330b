"""Credentials for a TURN server (RFC 8656), by which a browser sends where UDP does not get out.

Service and server share a secret and nothing else: draft-uberti-behave-turn-rest-00, coturn's
``use-auth-secret``.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from proctor.settings import Settings

# as long as a sign-in. Some servers ask at every refresh, so a connection must not outlive it
LASTS = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Relay:
    """What a browser is given as one of its ``iceServers``."""

    urls: tuple[str, ...]
    username: str
    credential: str = field(repr=False)


def relays_for_now(settings: Settings, now: datetime) -> list[Relay]:
    """The deployment's relay with fresh credentials; none where it has none.

    The server learns when they expire and a random number: not who, nor whether two are of one.
    """
    if not settings.turn_secret:
        return []
    username = f"{int((now + LASTS).timestamp())}:{secrets.token_hex(8)}"
    return [Relay(tuple(settings.relays), username, credential_of(settings.turn_secret, username))]


def credential_of(secret: str, username: str) -> str:
    """The password that goes with *username*."""
    # SHA-1 is the scheme's; as an HMAC it still holds
    made = hmac.new(secret.encode(), username.encode(), hashlib.sha1)
    return base64.b64encode(made.digest()).decode()

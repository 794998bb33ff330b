"""Credentials of the relay: made as TURN servers want them, for a while, of nobody."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from proctor.media.relay import LASTS, credential_of, relays_for_now
from proctor.settings import Settings

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 1, tzinfo=UTC)
URLS = "turn:relay.example.org:3478?transport=udp, turns:relay.example.org:443?transport=tcp"
RELAYED = Settings(turn_urls=URLS, turn_secret="north-wind")


def test_password_is_that_of_another_implementation() -> None:
    # printf %s 1735689600:a1b2c3d4e5f60718 | openssl dgst -sha1 -hmac north-wind -binary | base64
    made = credential_of("north-wind", "1735689600:a1b2c3d4e5f60718")
    assert made == "yjSE95ApFyUvttMZvQwJW9h/Yl0="


def test_credentials_expire_and_name_nobody() -> None:
    (first,), (second,) = (relays_for_now(RELAYED, NOW) for _ in range(2))
    assert first.urls == (
        "turn:relay.example.org:3478?transport=udp",
        "turns:relay.example.org:443?transport=tcp",
    )
    expiry, opaque = first.username.split(":")
    assert int(expiry) == int((NOW + LASTS).timestamp())
    assert len(bytes.fromhex(opaque)) == 8
    assert opaque not in second.username
    assert first.credential == credential_of("north-wind", first.username)
    assert first.credential not in repr(first)


@pytest.mark.parametrize("nothing", [None, "", " , "])
def test_without_a_relay_there_is_none(nothing: str | None) -> None:
    assert relays_for_now(Settings(turn_urls=nothing, turn_secret=""), NOW) == []


@pytest.mark.parametrize(
    "url", ["turn:relay.example.org", "TURN:10.0.0.1:65535", "turns:[2001:db8::1]:443"]
)
def test_address_of_a_relay_is_taken(url: str) -> None:
    assert Settings(turn_urls=url, turn_secret="x").relays == [url]


@pytest.mark.parametrize(
    "url",
    [
        "relay.example.org",
        "stun:relay.example.org",
        "turn:",
        "turn:relay.example.org:0",
        "turn:relay.example.org:65536",
        "turn:relay.example.org?transport=tls",
        "turns:relay.example.org?transport=udp",
        "turn://relay.example.org",
        "turn:relay example.org",
        'turn:relay.example.org">',
    ],
)
def test_what_is_no_address_of_a_relay_is_refused_by_name(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(turn_urls=f"turn:relay.example.org,{url}", turn_secret="north-wind")
    assert f"PROCTOR_TURN_URLS: {url!r} is no address of a relay" in str(refused.value)
    assert "north-wind" not in str(refused.value)


@pytest.mark.parametrize("half", [{"turn_urls": URLS}, {"turn_secret": "north-wind"}])
def test_half_a_relay_is_refused_and_the_secret_is_not_printed(half: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="go together") as refused:
        Settings(**half)
    assert "north-wind" not in str(refused.value)
    assert "north-wind" not in repr(RELAYED)

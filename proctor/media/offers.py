"""The door for a browser's connection offer: hostile text in, what a peer may be built from out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aiortc.sdp import MediaDescription, SessionDescription

from proctor.errors import Refused
from proctor.media.frames import Codec
from proctor.media.rtp import ABS_SEND_TIME
from proctor.observations import Track

MAX_OFFER_BYTES = 32 * 1024
MAX_MEDIA = 4
SENDING = ("sendonly", "sendrecv")


class OfferRefused(Refused):
    """The connection offer is not acceptable."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class TrackOffer:
    """One offered picture: its m-line's ``mid``, its source and its retransmission source."""

    track: Track
    mid: str
    ssrc: int
    rtx_ssrc: int | None


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer that may be answered; ``sdp`` names no address to send to.

    ``tracks``: the two pictures in the order of their m-lines. ``codec``: what they are asked to be
    sent in. ``send_time_id``: the number of the
    send-time header extension, None when it is not offered.
    """

    sdp: str
    tracks: tuple[TrackOffer, ...]
    codec: Codec
    send_time_id: int | None


def read_offer(sdp: str, tracks: Mapping[str, str] | None) -> Offer:
    """Check *sdp* and find the two pictures in it.

    ``tracks``: mid of "camera" and of "screen"; None takes the video m-lines in that order.
    Raises OfferRefused.
    """
    if len(sdp.encode("utf-8", "replace")) > MAX_OFFER_BYTES:
        raise OfferRefused("too_large")
    stripped = without_candidates(sdp)
    media = _parsed(stripped)
    videos = {each.rtp.muxId: each for each in media if each.kind == "video"}
    names = _track_names(list(videos), tracks)
    has_vp8 = all("VP8" in {codec.name for codec in each.rtp.codecs} for each in videos.values())
    return Offer(
        sdp=stripped,
        tracks=tuple(_track_offer(names[mid], each) for mid, each in videos.items()),
        codec="VP8" if has_vp8 else "H264",
        send_time_id=_send_time_id(videos.values()),
    )


def without_candidates(sdp: str) -> str:
    """*sdp* without addresses: the peer's is learnt from its authenticated checks alone.

    A kept end-of-candidates line would end the search before the peer is heard.
    """
    dropped = ("a=candidate", "a=end-of-candidates")
    kept = [line for line in sdp.splitlines() if not line.strip().startswith(dropped)]
    return "\r\n".join(kept) + "\r\n"


def _parsed(sdp: str) -> list[MediaDescription]:
    if sum(line.startswith("m=") for line in sdp.splitlines()) > MAX_MEDIA:
        raise OfferRefused("too_many_media")
    try:
        session = SessionDescription.parse(sdp)
    # the parser answers hostile text with whatever it trips over, five kinds are known
    except Exception as error:
        raise OfferRefused("malformed") from error
    media: list[MediaDescription] = session.media
    mids = [each.rtp.muxId for each in media]
    if any(each.kind not in ("audio", "video") for each in media):
        raise OfferRefused("unexpected_media")
    if sum(each.kind == "video" for each in media) != len(Track):
        raise OfferRefused("not_two_videos")
    if not all(mids) or len(set(mids)) != len(mids):
        raise OfferRefused("media_ids")
    bundled = next((group.items for group in session.group if group.semantic == "BUNDLE"), [])
    if set(bundled) != set(mids):
        raise OfferRefused("not_bundled")
    # RFC 8843: over one transport a number means one thing, though each m-line may have its own
    meant: dict[int | None, tuple[str, object]] = {}
    for codec in (codec for each in media for codec in each.rtp.codecs):
        meaning = codec.mimeType.lower(), codec.parameters.get("apt")
        if meant.setdefault(codec.payloadType, meaning) != meaning:
            raise OfferRefused("payload_types")
    if any(each.dtls is None or not each.dtls.fingerprints for each in media):
        raise OfferRefused("no_fingerprint")
    return media


def _send_time_id(media: Iterable[MediaDescription]) -> int | None:
    extensions = (extension for each in media for extension in each.rtp.headerExtensions)
    return next((each.id for each in extensions if each.uri == ABS_SEND_TIME), None)


def _track_names(videos: list[str], tracks: Mapping[str, str] | None) -> dict[str, Track]:
    if tracks is None:
        return dict(zip(videos, Track, strict=True))
    if set(tracks) != set(Track) or set(tracks.values()) != set(videos):
        raise OfferRefused("tracks_do_not_match")
    return {mid: Track(name) for name, mid in tracks.items()}


def _track_offer(track: Track, media: MediaDescription) -> TrackOffer:
    if media.direction not in SENDING:
        raise OfferRefused("not_sending")
    # without a declared source two tracks of one codec cannot be told apart
    if not media.ssrc:
        raise OfferRefused("no_source")
    source = media.ssrc[0].ssrc
    pairs = [group.items for group in media.ssrc_group if group.semantic == "FID"]
    rtx = next((int(pair[1]) for pair in pairs if len(pair) == 2 and pair[0] == source), None)
    return TrackOffer(track, media.rtp.muxId, source, rtx)

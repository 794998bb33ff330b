"""One picture out of a track's files: the key frame nearest to a moment, as it was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from proctor.errors import NotFound
from proctor.media.clips import in_time_order
from proctor.media.container import NotARecording
from proctor.media.files import read_blocks
from proctor.media.frames import Codec

#: a picture further away shows another moment
NEAR_S = 5.0


class NoPicture(NotFound):
    """Nothing was recorded at this moment, or there is no face in it."""

    key = "error.no_picture"


def key_frame_near(recordings: Sequence[Path], at_s: float) -> tuple[Codec, bytes]:
    """The key frame nearest to *at_s*, in seconds since the recordings' epoch, with its codec.

    ``recordings``: the track's files in any order, finished or growing. Raises NoPicture, OSError.
    """
    at_ms = round(1000 * at_s)
    near = [
        (abs(part.start_ms + cluster.start_ms - at_ms), part, cluster)
        for part in in_time_order(recordings)
        for cluster in part.clusters
        if cluster.starts_with_key
    ]
    off_ms, part, cluster = min(near, key=lambda each: each[0], default=(None, None, None))
    if off_ms is None or off_ms > 1000 * NEAR_S:
        raise NoPicture(at_s=at_s)
    assert part is not None
    assert cluster is not None
    with part.path.open("rb") as file:
        file.seek(cluster.offset)
        data = file.read(cluster.size)
    try:
        return part.codec, next(read_blocks(data)).data
    # StopIteration: not even one
    except (NotARecording, StopIteration) as error:
        raise NoPicture(at_s=at_s) from error

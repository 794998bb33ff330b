"""Between a stream and its analysis: the newest key frame, and nothing queued behind it."""

from __future__ import annotations

from proctor.media.frames import EncodedFrame


class NewestFrame:
    """Holds the newest key frame not yet taken; ``dropped`` counts those replaced untaken.

    ``last``: the newest key frame, taken or not.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self.last: EncodedFrame | None = None
        self._frame: EncodedFrame | None = None

    def offer(self, frame: EncodedFrame) -> None:
        """Keep *frame* if it is a key frame, in place of an older one."""
        if not frame.is_key:
            return
        if self._frame is not None:
            self.dropped += 1
        self._frame = self.last = frame

    def take(self) -> EncodedFrame | None:
        """The newest key frame, once; None until the next arrives."""
        frame, self._frame = self._frame, None
        return frame

"""A few movements asked of whoever sits there, which no film knows beforehand.

Where head and eyes point enters, frame by frame, and whether it is still the enrolled face; what is
asked next and how it ended leave.
"""

import random
from collections import deque
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from statistics import median
from typing import Final

from biometrics.types import Box, Gaze
from proctor.identity.checks import SAME_TRACK_IOU

TRIES: Final = 3
# a person who reads the sentence, moves and holds still needs 3 to 5 s at one look a second
ACT_WITHIN_S: Final = 8.0
REST_WITHIN_S: Final = 20.0
# looks in a row: a single one may be a blink, a glance or an error of the mesh
_HELD: Final = 2
# looks ahead before a movement is asked, so that nobody knows when it will be
_PAUSES: Final = (2, 3, 4, 5)
# sitting still has a yaw of sd 1.5 degrees and an iris of sd 0.03: cards/face-mesh.md
_TURNED_DEG, _FOLLOWED_DEG, _ASIDE = 15.0, 10.0, 0.07
_AHEAD_DEG: Final = 8.0


class Ask(StrEnum):
    """Sides are the person's own."""

    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    LOOK_LEFT = "look_left"
    LOOK_RIGHT = "look_right"
    CLOSE_EYES = "close_eyes"


_TURNS: Final = {Ask.TURN_LEFT: 1, Ask.TURN_RIGHT: -1}
_SIDES: Final = {**_TURNS, Ask.LOOK_LEFT: 1, Ask.LOOK_RIGHT: -1}


def choose(steps: int, chance: random.Random) -> tuple[Ask, ...]:
    """So many movements, at least one a turn of the head, none twice in a row."""
    while True:
        asked = tuple(chance.choice(list(Ask)) for _ in range(steps))
        repeated = any(one is other for one, other in pairwise(asked))
        if not repeated and any(ask in _TURNS for ask in asked):
            return asked


class Challenge:
    """One try. ``asked``: the movements in their order, before and after each of which one looks
    ahead.

    ``outcome``: ``asked``, ``passed`` or ``failed``. A mirrored camera is told by the first
    movement to a side; from then on sides count. A look counts only when the face matches, or is
    turned as asked; a face that jumps from one look to the next fails the try.
    """

    def __init__(self, asked: Sequence[Ask], at_s: float, chance: random.Random) -> None:
        self._asked = tuple(asked)
        self._pauses = [*(chance.choice(_PAUSES) for _ in self._asked), _HELD]
        self._step = 0
        self._acting = False
        self._since_s = at_s
        self._held = self._strayed = 0
        self._rest: deque[tuple[float, float]] = deque(maxlen=3)
        self._ahead: tuple[float, float] | None = None
        self._mirrored: int | None = None
        self._face: Box | None = None
        self.outcome = "asked"

    @property
    def step(self) -> int:
        """Number of the movement, from 1."""
        return min(self._step + 1, len(self._asked))

    @property
    def steps(self) -> int:
        return len(self._asked)

    @property
    def ask(self) -> Ask | None:
        """What is asked now; None while one should look ahead."""
        return self._asked[self._step] if self._acting and self.outcome == "asked" else None

    def take(self, gaze: Gaze | None, at_s: float, face: Box | None, same: bool | None) -> None:
        """Note one look. ``gaze``, ``face``: None when no face was seen; ``same``: whether it
        matched, None when it was not compared.
        """
        if self.outcome != "asked":
            return
        if self._jumps(face):
            self.outcome = "failed"
            return
        if self._acting:
            self._act(gaze, same)
        else:
            self._look_ahead(gaze if same else None)
        limit_s = ACT_WITHIN_S if self._acting else REST_WITHIN_S
        if self.outcome == "asked" and at_s - self._since_s > limit_s:
            self.outcome = "failed"
        if self._held >= (_HELD if self._acting else self._pauses[self._step]):
            self._go_on(at_s)

    def compares(self, gaze: Gaze | None) -> bool:
        """Whether the face of such a look is compared; None: of one whose gaze is not known yet.

        A head that is turned is compared when it looks ahead again: encoders know faces from in
        front, and nobody is to be taken for another for doing what was asked.
        """
        if self.ask in _TURNS:
            return False
        if gaze is None or self._ahead is None:
            return True
        return abs(gaze.yaw_deg - self._ahead[0]) < _TURNED_DEG

    def _jumps(self, face: Box | None) -> bool:
        before, self._face = self._face, face or self._face
        return before is not None and face is not None and before.iou(face) < SAME_TRACK_IOU

    def _go_on(self, at_s: float) -> None:
        self._held = self._strayed = 0
        self._since_s = at_s
        self._rest.clear()
        if self._acting:
            self._acting, self._step = False, self._step + 1
        elif self._step == len(self._asked):
            self.outcome = "passed"
        else:
            self._acting = True

    def _look_ahead(self, gaze: Gaze | None) -> None:
        if gaze is None or gaze.iris is None:
            self._held = 0
            return
        is_ahead = self._ahead is None or abs(gaze.yaw_deg - self._ahead[0]) < _AHEAD_DEG
        self._rest.append((gaze.yaw_deg, gaze.iris))
        self._held = self._held + 1 if is_ahead else 0
        if self._held >= _HELD:
            self._ahead = median(yaw for yaw, _ in self._rest), median(i for _, i in self._rest)

    def _act(self, gaze: Gaze | None, same: bool | None) -> None:
        assert self._ahead is not None, "nobody is asked before looking ahead"
        if gaze is None:
            self._held = 0
            return
        ask, wanted = self._asked[self._step], _SIDES.get(self._asked[self._step])
        yaw = gaze.yaw_deg - self._ahead[0]
        aside = None if gaze.iris is None else gaze.iris - self._ahead[1]
        side = _side(ask, yaw, aside)
        if wanted is None:
            done = gaze.iris is None and abs(yaw) < _TURNED_DEG
        else:
            if side is not None and self._mirrored is None:
                self._mirrored = side * wanted
            done = side is not None and side == wanted * (self._mirrored or 1)
        is_turned = abs(yaw) >= _TURNED_DEG
        done = done and (same is True or is_turned)
        self._held = self._held + 1 if done else 0
        # another movement than the one that was shown, or another face
        moves = side is not None or gaze.iris is None or is_turned
        is_known = same or is_turned or ask in _TURNS
        strays = same is False or (not done and moves and is_known)
        self._strayed = self._strayed + 1 if strays else 0
        if self._strayed >= _HELD:
            self.outcome = "failed"


def _side(ask: Ask, yaw_deg: float, aside: float | None) -> int | None:
    """1 to the picture's right, -1 to its left, None while it is not far enough."""
    if abs(yaw_deg) >= (_TURNED_DEG if ask in _TURNS else _FOLLOWED_DEG):
        return 1 if yaw_deg > 0 else -1
    if ask in _TURNS or aside is None or abs(aside) < _ASIDE:
        return None
    return 1 if aside > 0 else -1

"""What the embedding network reads of ordered presses: a finger and six numbers for each."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from keystroke.presses import Presses, previous
from keystroke.zones import N_FINGER_ZONES, Zone

# eight fingers, then Space, Backspace, Enter, digits and punctuation
N_SYMBOLS: Final = 13
N_CHANNELS: Final = 6
# middle and spread of the logarithm of milliseconds in the essays of the training set
HOLD: Final = (4.55, 0.35)
INTERVAL: Final = (5.05, 0.5)
FLIGHT_MS: Final = 150.0


def channels(presses: Presses) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Symbols (n,) and channels (n, 6) of the *n* presses that edit text.

    Channels: log hold, whether known; log press-to-press time, whether known; time from release to
    press, whether negative. What is not known is 0.
    """
    found = presses.timings()
    known_hold, known_interval, flown = found.held, found.combined, found.flown
    flight = np.where(flown, presses.dt_ms - previous(presses.hold_ms), 0.0)
    columns = [
        _scaled(presses.hold_ms, known_hold, *HOLD),
        known_hold,
        _scaled(presses.dt_ms, known_interval, *INTERVAL),
        known_interval,
        np.clip(flight / FLIGHT_MS, -2, 3),
        flight < 0,
    ]
    stacked = np.stack(columns, axis=1).astype(np.float32)
    return _symbols(presses.zones[found.typed]), stacked[found.typed]


def _symbols(zones: NDArray[np.int64]) -> NDArray[np.int64]:
    fingers = N_FINGER_ZONES // 3
    return np.where(zones < N_FINGER_ZONES, zones // 3, zones - Zone.SPACE + fingers)


def _scaled(
    ms: NDArray[np.float64], known: NDArray[np.bool_], middle: float, spread: float
) -> NDArray[np.float64]:
    logs = np.log(np.where(known, np.maximum(ms, 1.0), 1.0))
    return np.where(known, np.clip((logs - middle) / spread, -3, 3), 0.0)

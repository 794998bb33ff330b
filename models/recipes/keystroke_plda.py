"""Train ``weights/keystroke-plda.npz``: how the typing of a population varies.

Usage: ``python -m models.recipes.keystroke_plda DATA_FOLDER OUTPUT``. Needs pyarrow, which the
service does not. Reads klicke_background and klicke_background2 of the folder, parquet files with
the columns subject, session, code, dd_ms and hold_ms in order of press.
"""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

import numpy as np

from keystroke.presses import Presses, unrepeated
from keystroke.template import Sums
from keystroke.verifiers.count_plda import CountPlda
from keystroke.zones import Zone, zone_of

# the data sets name modifiers without their side
_MODIFIERS: Final = frozenset({"Shift", "Control", "Alt", "Meta"})
# the recordings were made with a millisecond clock
_CLOCK_STEP_MS: Final = 1.0

People = dict[int, dict[int, Presses]]


def read_presses(path: Path) -> People:
    """Presses per subject and session; what the keyboard repeated is left out, as by the page."""
    table = import_module("pyarrow.parquet").read_table(path)
    column = {n: table.column(n).to_numpy() for n in ("subject", "session", "dd_ms", "hold_ms")}
    codes = table.column("code").combine_chunks().dictionary_decode().to_pylist()
    zone = {c: Zone.MODIFIER if c in _MODIFIERS else zone_of(c) for c in set(codes)}
    keys = np.unique(codes, return_inverse=True)[1]
    zones = np.array([zone[c] for c in codes], np.int64)
    changes = (np.diff(column["subject"]) != 0) | (np.diff(column["session"]) != 0)
    starts = [0, *(np.flatnonzero(changes) + 1).tolist()]
    people: People = {}
    for start, stop in zip(starts, [*starts[1:], len(zones)], strict=True):
        pressed, dt_ms, hold_ms = unrepeated(
            keys[start:stop],
            column["dd_ms"][start:stop].astype(np.float64),
            column["hold_ms"][start:stop].astype(np.float64),
        )
        presses = Presses.of_keyboard(dt_ms, zones[start:stop][pressed], hold_ms, _CLOCK_STEP_MS)
        sessions = people.setdefault(int(column["subject"][start]), {})
        sessions[int(column["session"][start])] = presses
    return people


def halves(people: People) -> Iterator[tuple[Sums, Sums]]:
    """First and second half of each person's only session."""
    for sessions in people.values():
        (presses,) = sessions.values()
        middle = len(presses) // 2
        first, second = presses.part(0, middle), presses.part(middle, 2 * middle)
        yield Sums.from_presses(first), Sums.from_presses(second)


def main(folder: Path, output: Path) -> None:
    """Train and save."""
    names = ("klicke_background", "klicke_background2")
    writers = [h for n in names for h in halves(read_presses(folder / f"{n}.parquet"))]
    CountPlda().fit(writers).save(output)
    sys.stdout.write(f"{len(writers)} writers\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

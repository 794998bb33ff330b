"""``proctor bench keystroke``: what comparing typing costs on this machine."""

import tracemalloc
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from keystroke.events import parse_batch
from keystroke.presses import Presses
from keystroke.stream import TypingStream
from keystroke.template import Sums
from keystroke.verifiers.free_text import FreeTextVerifier
from keystroke.verifiers.profile import Profile
from keystroke.zones import N_FINGER_ZONES, Zone
from proctor.analysis.keys import Typing
from proctor.commands.evaluate.figures import AsJson, show
from proctor.commands.processor import least_s
from proctor.inference import keystroke_verifier

SEED: Final = 20260101
BATCH_KEYS: Final = 50
BATCHES: Final = 80
PAGE_KEYS: Final = 8
SESSION_KEYS: Final = 500
# as many sessions as a reference may hold
SESSIONS: Final = 10
REPEATS: Final = 50


def keystroke(
    as_json: AsJson = False,
) -> None:
    """Microseconds a key, milliseconds a verification, bytes a sitting and a learner."""
    show(_measure(keystroke_verifier(), np.random.default_rng(SEED)), as_json=as_json)


def _measure(verifier: FreeTextVerifier, rng: np.random.Generator) -> dict[str, Any]:
    sessions = [
        verifier.sums(Presses.from_batch(parse_batch(_batch(SESSION_KEYS, rng))))
        for _ in range(SESSIONS)
    ]
    reference = verifier.profile(sessions)
    probe = verifier.sums(Presses.from_batch(parse_batch(_batch(200, rng))))

    def verify() -> None:
        opinion = verifier.opinion(reference, verifier.profile([probe]))
        assert opinion is not None, "two hundred keys have a window"
        verifier.weighing.llr(opinion)

    batches = [_batch(BATCH_KEYS, rng) for _ in range(BATCHES)]

    def us_per_key(reference: Profile | None) -> float:
        def capture() -> None:
            stream = TypingStream(verifier, reference)
            for batch in batches:
                stream = stream.after(Presses.from_batch(parse_batch(batch)))

        return least_s(capture, 5) * 1e6 / (BATCHES * BATCH_KEYS)

    def live() -> Typing:
        typing = Typing.begun(verifier, Sums.empty(), sessions)
        for batch in pages:
            typing, _ = typing.after(parse_batch(batch), 0.0)
            typing.total().to_bytes()
        return typing

    pages = [_batch(PAGE_KEYS, rng) for _ in range(BATCHES * BATCH_KEYS // PAGE_KEYS)]
    return {
        "model": verifier.model_id,
        "us_per_key": us_per_key(None),
        # each window is compared with earlier visits too
        "us_per_key_compared": us_per_key(reference),
        # in batches of two seconds, as a page sends them, with what is kept before it is sealed
        "us_per_key_live": least_s(live, 3) * 1e6 / (BATCHES * BATCH_KEYS),
        "ms_per_verification": least_s(verify, REPEATS) * 1e3,
        "ms_per_profile": least_s(lambda: verifier.profile(sessions), REPEATS) * 1e3,
        # of an exam under way, with the profile of earlier visits
        "bytes_live": _held_by(live),
        "bytes_per_learner": sum(len(each.to_bytes()) for each in sessions),
    }


def _held_by(make: Callable[[], object]) -> int:
    """Bytes that stay taken while there is what *make* returns."""
    tracemalloc.start()
    try:
        made = make()
        held, _ = tracemalloc.get_traced_memory()
        del made
        return held - tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def _batch(n: int, rng: np.random.Generator) -> dict[str, Any]:
    """Prose of five-letter words as a page sends it."""
    zones = [
        Zone.SPACE if i % 6 == 5 else Zone(int(rng.integers(N_FINGER_ZONES))) for i in range(n)
    ]
    dt_ms = np.round(160 * np.exp(0.3 * rng.standard_normal(n)), 1)
    hold_ms = np.round(90 * np.exp(0.2 * rng.standard_normal(n)), 1)
    rows = [
        [float(dt), int(zone), float(hold), 0]
        for dt, zone, hold in zip(dt_ms, zones, hold_ms, strict=True)
    ]
    return {"v": 1, "clock_step_ms": 0.1, "events": rows}

"""Measure attacks on the shipped verifier of free typing; prints JSON and writes nothing.

Usage: ``python -m models.recipes.keystroke_attacks DATA_FOLDER``. Needs pyarrow and onnxruntime.
Victims are the writers of klicke_dev: 500 keys of each enrolled, 200 keys attacked; the text is
another writer's. People's own windows, and the share of all sets' windows that pass for automated,
stand beside.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np

from keystroke.attacks import ATTACKS
from keystroke.automation import Hands, look_at_presses
from keystroke.gate import unfit
from keystroke.presses import Presses
from keystroke.stream import TypingStream
from keystroke.template import Sums
from keystroke.verifiers.count_plda import CountPlda
from keystroke.verifiers.free_text import FreeTextVerifier, load_weighing
from keystroke.verifiers.network import open_embedder
from keystroke.verifiers.profile import Profile
from models.recipes.keystroke_plda import read_presses

SEED: Final = 20260101
WEIGHTS: Final = Path(__file__).parents[1] / "weights"
PROBE: Final = 200
# of a text that mostly comes without keys, so many characters are looked at
LONG: Final = 1200
SHORTENED: Final = ("drip_paste", "dictated")
HALF: Final = 1200
VICTIMS: Final = 350
HUMAN: Final = (
    "klicke_dev",
    "villani_free_dev",
    "kuruvilla_social_dev",
    "bbmas_desktop_dev",
)


def shares(verifier: FreeTextVerifier, writers: list[Presses]) -> dict[str, Any]:
    """Share of attacks that are compared, whose LLR is then above 0, and told as automated."""
    rng = np.random.default_rng(SEED)
    found: dict[str, list[tuple[float, bool, bool]]] = {}
    for i, own in enumerate(writers):
        recorded = own.part(1500, 2000)
        reference = verifier.profile([verifier.sums(recorded)])
        other = writers[(i + 1) % len(writers)]
        text, long_text = other.part(2100, 2100 + PROBE), other.part(0, LONG)
        probes = {
            "own typing": own.part(2100, 2100 + PROBE),
            "another person": text,
            **{
                name: attack(
                    long_text if name in SHORTENED else text, recorded, verifier.population, rng
                )
                for name, attack in ATTACKS.items()
            },
        }
        for name, probe in probes.items():
            hands = look_at_presses(probe, 0)
            found.setdefault(name, []).append(
                (
                    llr_of(verifier, reference, probe),
                    hands.is_automated,
                    unfit(Sums.from_presses(probe)) is None,
                )
            )
    return {
        name: {
            "n": len(rows),
            "above_0": float(np.mean([llr > 0 and is_fit for llr, _, is_fit in rows])),
            "automated": float(np.mean([told for _, told, _ in rows])),
            "compared": float(np.mean([is_fit for _, _, is_fit in rows])),
        }
        for name, rows in found.items()
    }


def llr_of(verifier: FreeTextVerifier, reference: Profile, probe: Presses) -> float:
    """LLR within one sitting; typing of which no timing counts is as unlike as can be."""
    opinion = verifier.opinion(reference, verifier.profile([verifier.sums(probe)]))
    if opinion is None:
        return -verifier.weighing.bound
    return verifier.weighing.same_sitting_llr(opinion)


def transcribed(verifier: FreeTextVerifier, folder: Path) -> dict[str, Any]:
    """A text copied by another person, of BB-MAS, who are not the victims' writers."""
    people = [
        max(sessions.values(), key=len)
        for sessions in read_presses(folder / "bbmas_desktop_dev.parquet").values()
    ]
    above = []
    for i, own in enumerate(people):
        reference = verifier.profile([verifier.sums(own.part(0, 500))])
        for step in range(1, len(people)):
            copied = people[(i + step) % len(people)].part(600, 600 + PROBE)
            above.append(llr_of(verifier, reference, copied) > 0)
    return {"people": len(people), "n": len(above), "above_0": float(np.mean(above))}


def hand_overs(verifier: FreeTextVerifier, writers: list[Presses]) -> dict[str, Any]:
    """Sittings told as handed over: one writer for 2,400 keys, and another for the second half."""
    people = [own for own in writers if len(own) >= 2 * HALF]
    kept, changed = [], []
    for i, own in enumerate(people):
        begun = TypingStream(verifier, None).after(own.part(0, HALF))
        kept.append(begun.after(own.part(HALF, 2 * HALF)).is_handed_over)
        other = people[(i + 1) % len(people)]
        changed.append(begun.after(other.part(0, HALF)).is_handed_over)
    return {"n": len(people), "same": float(np.mean(kept)), "another": float(np.mean(changed))}


def automated_humans(folder: Path) -> dict[str, list[int]]:
    """Windows of 100 keys that pass for automated, of how many, by set."""
    counts: dict[str, list[int]] = {}
    for name in HUMAN:
        told: list[Hands] = []
        for sessions in read_presses(folder / f"{name}.parquet").values():
            for presses in sessions.values():
                starts = range(0, len(presses) - 99, 100)
                told += [look_at_presses(presses.part(s, s + 100), 0) for s in starts]
        counts[name] = [sum(hands.is_automated for hands in told), len(told)]
    return counts


def main(folder: Path) -> None:
    """Measure and print."""
    embedder = open_embedder(WEIGHTS / "keystroke-network.onnx")
    population = CountPlda.load(WEIGHTS / "keystroke-plda.npz")
    weighing = load_weighing(WEIGHTS / "keystroke-free-text.npz", fused=embedder is not None)
    verifier = FreeTextVerifier(population, embedder, weighing)
    people = read_presses(folder / "klicke_dev.parquet")
    writers = [max(sessions.values(), key=len) for sessions in people.values()]
    long = [presses for presses in writers if len(presses) >= 2100 + PROBE][:VICTIMS]
    report = {
        "attacks": shares(verifier, long),
        "transcribed": transcribed(verifier, folder),
        "hand_overs": hand_overs(verifier, long),
        "automated_humans": automated_humans(folder),
    }
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

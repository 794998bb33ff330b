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
from keystroke.presses import Presses
from keystroke.verifiers.count_plda import CountPlda
from keystroke.verifiers.free_text import FreeTextVerifier, load_weighing
from keystroke.verifiers.network import open_embedder
from keystroke.verifiers.profile import Profile
from models.recipes.keystroke_plda import read_presses

SEED: Final = 20260101
WEIGHTS: Final = Path(__file__).parents[1] / "weights"
PROBE: Final = 200
VICTIMS: Final = 350
HUMAN: Final = (
    "klicke_dev",
    "villani_free_dev",
    "kuruvilla_social_dev",
    "bbmas_desktop_dev",
)


def shares(verifier: FreeTextVerifier, writers: list[Presses]) -> dict[str, Any]:
    """Share of attacks whose LLR is above 0, at the operating point, and told as automated."""
    rng = np.random.default_rng(SEED)
    found: dict[str, list[tuple[float, bool]]] = {}
    for i, own in enumerate(writers):
        recorded = own.part(1500, 2000)
        reference = verifier.profile([verifier.sums(recorded)])
        text = writers[(i + 1) % len(writers)].part(2100, 2100 + PROBE)
        probes = {
            "own typing": own.part(2100, 2100 + PROBE),
            "another person": text,
            **{
                name: attack(text, recorded, verifier.population, rng)
                for name, attack in ATTACKS.items()
            },
        }
        for name, probe in probes.items():
            hands = look_at_presses(probe, 0)
            found.setdefault(name, []).append(
                (llr_of(verifier, reference, probe), hands.is_automated)
            )
    return {
        name: {
            "n": len(rows),
            "above_0": float(np.mean([llr > 0 for llr, _ in rows])),
            "match": float(np.mean([llr >= verifier.operating_point.accept for llr, _ in rows])),
            "automated": float(np.mean([told for _, told in rows])),
        }
        for name, rows in found.items()
    }


def llr_of(verifier: FreeTextVerifier, reference: Profile, probe: Presses) -> float:
    """LLR within one sitting; typing of which no timing counts is as unlike as can be."""
    opinion = verifier.opinion(reference, verifier.profile([verifier.sums(probe)]))
    if opinion is None:
        return -verifier.weighing.bound
    return verifier.weighing.same_sitting_llr(opinion)


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
    report = {"attacks": shares(verifier, long), "automated_humans": automated_humans(folder)}
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

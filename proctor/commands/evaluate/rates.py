"""What an evaluation prints of mated and non-mated scores."""

from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import typer

from biometrics.error_rates import Scores, det, fnmr, threshold_at_fmr

# operating points as they are written in the output
FMRS: Final = {"1e-2": 1e-2, "1e-3": 1e-3}

_SIDE: Final = 320.0
_RATES: Final = (0.001, 0.01, 0.05, 0.1, 0.2, 0.4)


@dataclass(frozen=True)
class Curve:
    """Scores that become one line of a DET plot."""

    name: str
    mated: Scores
    non_mated: Scores


def fnmr_at_fmr(mated: Scores, non_mated: Scores) -> dict[str, float | None]:
    """FNMR at each FMR of ``FMRS``; None where too few comparisons can show that FMR."""
    return {
        name: fnmr(mated, threshold_at_fmr(non_mated, rate)) if rate * non_mated.size >= 1 else None
        for name, rate in FMRS.items()
    }


def in_a_folder(path: Path | None) -> Path | None:
    """Where a plot is to be written. Raises BadParameter when there is no such folder."""
    if path is not None and not path.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}")
    return path


def write_det(path: Path, curves: list[Curve]) -> None:
    """Detection error trade-off of *curves* as SVG, on normal deviates."""
    lines = "".join(_line(i, curve) for i, curve in enumerate(curves))
    axes = "".join(_ticks(rate) for rate in _RATES)
    size = _SIDE + 90
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size + 160:g} {size:g}" '
        f'font-family="sans-serif" font-size="11"><g transform="translate(60 20)">'
        f'<rect width="{_SIDE:g}" height="{_SIDE:g}" fill="none" stroke="#333"/>{axes}{lines}'
        f'<text x="{_SIDE / 2:g}" y="{_SIDE + 40:g}" text-anchor="middle">FMR</text>'
        f'<text transform="translate(-42 {_SIDE / 2:g}) rotate(-90)" text-anchor="middle">'
        f"FNMR</text></g></svg>\n",
        encoding="utf-8",
    )


def _line(index: int, curve: Curve) -> str:
    found = det(curve.mated, curve.non_mated)
    points = {(round(_place(x), 1), round(_SIDE - _place(y), 1)) for x, y in _rates(found)}
    hue = index * 67 % 360
    path = " ".join(f"{x:g},{y:g}" for x, y in sorted(points, key=lambda p: (p[0], p[1])))
    y = 14 + 16 * index
    return (
        f'<polyline points="{path}" fill="none" stroke="hsl({hue} 70% 40%)"/>'
        f'<text x="{_SIDE + 12:g}" y="{y}" fill="hsl({hue} 70% 30%)">{curve.name}</text>'
    )


def _rates(found: Any) -> list[tuple[float, float]]:
    return list(zip(found.fmr.tolist(), found.fnmr.tolist(), strict=True))


def _ticks(rate: float) -> str:
    at = _place(rate)
    return (
        f'<path d="M{at:.1f} 0V{_SIDE:g}M0 {_SIDE - at:.1f}H{_SIDE:g}" stroke="#ddd"/>'
        f'<text x="{at:.1f}" y="{_SIDE + 16:g}" text-anchor="middle">{rate:.1%}</text>'
        f'<text x="-6" y="{_SIDE - at + 4:.1f}" text-anchor="end">{rate:.1%}</text>'
    )


def _place(rate: float) -> float:
    """Where *rate* lies on an axis: normal deviates from 0.05 % to 50 %."""
    normal = NormalDist()
    low, high = normal.inv_cdf(0.0005), normal.inv_cdf(0.5)
    inside = float(np.clip(rate, 0.0005, 0.5))
    return _SIDE * (normal.inv_cdf(inside) - low) / (high - low)

"""Pictures of training, drawn by running the formulas of the library: `draw(read_plot("noise", {"eta": "0.3"}))`.

KINDS is the table. Which options a kind has, with domains and defaults, `derive.plots.KINDS` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from derive.plots import Drawing, Plot
from numeric.pictures.canvas import FORMATS, Scene, paint
from numeric.pictures.corrected import bias_correction
from numeric.pictures.costs import cost
from numeric.pictures.densities import density
from numeric.pictures.descent import convergence, trajectory
from numeric.pictures.kinks import subgradient
from numeric.pictures.noisy import noise
from numeric.pictures.rates import power_map, schedule, schedules
from numeric.pictures.valley import adam, momentum, rmsprop

__all__ = ["FORMATS", "KINDS", "draw"]

KINDS: dict[str, Callable[[Mapping[str, Any]], Scene]] = {
    "trajectory": trajectory,
    "noise": noise,
    "convergence": convergence,
    "density": density,
    "subgradient": subgradient,
    "cost": cost,
    "momentum": momentum,
    "rmsprop": rmsprop,
    "adam": adam,
    "bias-correction": bias_correction,
    "schedule": schedule,
    "power-map": power_map,
    "schedules": schedules,
}


def draw(plot: Plot) -> Drawing:
    """What a picture shows, and how to get it as bytes: draw(plot).paint("en", "svg", warnings).

    Everything is computed here, once; `paint` only puts it on paper, and is what needs Matplotlib. Raises InputError
    for values with which the numbers leave the picture.

    >>> from derive.plots import read_plot
    >>> draw(read_plot("subgradient", {})).figures["slope_low"]
    -1.0
    """
    scene = KINDS[plot.kind](plot.values)

    def painted(lang: str, format: str, warnings: list[str]) -> bytes:
        return paint(scene, lang, format, warnings)

    return Drawing(scene.alt, scene.figures, painted)

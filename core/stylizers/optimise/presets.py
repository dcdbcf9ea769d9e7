"""The energies of the papers by name, and our own; `docs/optimise.md` says where they differ."""

from __future__ import annotations

from typing import Any

from ...errors import BadInput
from .settings import OptimiseKnobs, make_settings

GATYS_LAYERS = "relu1_1, relu2_1, relu3_1, relu4_1, relu5_1"
NETWORK_LAYERS = "relu1_2, relu2_2, relu3_3, relu4_3"
RUDER_PIXELS = 350 * 450  # the size that Ruder et al. give their weights for

DEFAULT = "stillbrush"

RUDER: dict[str, Any] = {
    "content_layers": "relu4_2",
    "content_form": "mean",
    "content_weight": 1.0,
    "style_layers": GATYS_LAYERS,
    "style_form": "code",
    "style_weight": 20.0,
    "smooth_weight": 0.0,
    "temporal_weight": 200.0,
    "bounded": False,
    "units": "vgg",
    "reference_pixels": RUDER_PIXELS,
    "history": 100,
    "first": "random",
    "later": "warped",
    "iterations": 3000,
    "later_iterations": 800,
    "tolerance": 1e-4,
    "scales": 1,
}
"""Section 4 and appendix; the weights assume the normalisation of the authors' code."""

DELCOUR: dict[str, Any] = {
    "content_layers": "relu4_2",
    "content_form": "mean",
    "content_weight": 1.0,
    "style_layers": GATYS_LAYERS,
    "style_form": "mean",
    "style_weight": 1e7,
    "smooth_weight": 0.0,
    "temporal_weight": 0.0,
    "bounded": False,
    "units": "unit",
    "first": "content",
    "later": "content",
    "iterations": 300,
    "later_iterations": 300,
    "tolerance": 1e-4,
    "scales": 1,
    "width": 512,
}
"""Delcour and Lewin, their defaults; of their styles three want 1e6."""

CMU: dict[str, Any] = {
    "content_layers": "relu5_2",
    "content_form": "sum",
    "content_weight": 0.025,
    "style_layers": GATYS_LAYERS,
    "style_form": "cmu",
    "style_weight": 1.0,
    "smooth_form": "power",
    "smooth_weight": 8.5e-5,
    "temporal_weight": 0.0,
    "bounded": False,
    "units": "vgg",
    "reference_pixels": 400 * 400,
    "optimiser": "lbfgs-search",
    "history": 10,
    "first": "content",
    "later": "content",
    "iterations": 100,
    "later_iterations": 100,
    "stabilise": "final",
    "stabilise_weight": 1.0,
    "scales": 1,
}
"""The CMU project, five rounds of twenty evaluations; frames are never rounded to JPEG here."""

PRESETS: dict[str, dict[str, Any]] = {
    DEFAULT: {},
    "gatys": RUDER
    | {
        "style_form": "gatys",
        "style_layers": ", ".join(f"{layer.strip()} 0.2" for layer in GATYS_LAYERS.split(",")),
        "style_weight": 1000.0,
        "temporal_weight": 0.0,
        "first": "white",
        "later": "white",
        "reference_pixels": 0,
    },
    "ruder": RUDER,
    "ruder-equation": RUDER | {"style_form": "equation"},
    "ruder-robust": RUDER | {"temporal_form": "absolute", "temporal_weight": 400.0},
    "ruder-long-term": RUDER | {"long_term": "1, 10, 20, 40"},
    "ruder-network": RUDER | {"content_layers": "relu3_3", "style_layers": NETWORK_LAYERS},
    "artistic-videos": RUDER
    | {
        "content_weight": 5.0,
        "style_weight": 100.0,
        "temporal_weight": 1000.0,
        "smooth_form": "squared",
        "smooth_weight": 1e-3,
        "iterations": 2000,
        "later_iterations": 1000,
    },
    "gupta": RUDER
    | {
        "style_form": "gupta",
        "style_weight": 1e-3,
        "temporal_weight": 0.0,
        "first": "content",
        "later": "content",
    },
    "delcour": DELCOUR,
    "delcour-noise": DELCOUR | {"first": "white", "later": "white"},
    "delcour-adam": DELCOUR | {"optimiser": "adam", "rate": 0.02},
    "delcour-temporal": DELCOUR | {"later": "warped", "temporal_weight": 1.0, "masked": False},
    "delcour-previous-style": DELCOUR | {"later": "warped", "previous_style": True},
    "cmu": CMU,
    "cmu-fixed": CMU | {"stabilise": "fixed"},
    "cmu-aligned": CMU | {"stabilise": "aligned"},
}


def preset(name: str, changes: dict[str, Any] | None = None) -> OptimiseKnobs:
    """Return a preset's settings with some of them changed.

    Raises:
        BadInput: no such preset, or a change that is not right.
    """
    if name not in PRESETS:
        raise BadInput(f"optimise.preset: expected {', '.join(PRESETS)}; got {name[:60]!r}.")
    return make_settings(PRESETS[name] | (changes or {}))

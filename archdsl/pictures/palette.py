"""Colours by what they mean, on paper and on a dark screen.

The kinds of layers have Paul Tol's *light* scheme, which is made for labelled cells and stays
apart for colour-blind readers (https://sronpersonalpages.nl/~pault/); the curves of charts have
Okabe and Ito's, and amounts viridis (van der Walt and Smith 2015). No picture
says a thing by colour alone.
"""

from __future__ import annotations

# By role: the colour on paper, and on a dark screen.
COLOURS: dict[str, tuple[str, str]] = {
    "conv": ("#77aadd", "#3a6899"),
    "linear": ("#ffaabb", "#985062"),
    "norm": ("#eedd88", "#756620"),
    "activation": ("#ee8866", "#a34f33"),
    "attention": ("#99ddff", "#2a6f8f"),
    "pool": ("#44bb99", "#21735b"),
    "drop": ("#d6d6d6", "#5c6066"),
    "shape": ("#bbcc33", "#626b1c"),
    "join": ("#ffffff", "#24282e"),
    "block": ("#eef2f7", "#2b323b"),
    "frame": ("#f8fafc", "#1d2228"),
    "inner": ("#f0f4f8", "#252b33"),
    "paper": ("#ffffff", "#14171b"),
    "ink": ("#1a1d21", "#e8eaed"),
    "faint": ("#5b636d", "#a3abb5"),
    "edge": ("#4a525c", "#9aa3ad"),
    "rule": ("#c5ccd4", "#434b55"),
    "wire": ("#4a525c", "#b3bac2"),
    "added": ("#0072b2", "#56b4e9"),
    "removed": ("#d55e00", "#f08a3c"),
    "changed": ("#8a5a00", "#e0b040"),
    "chosen": ("#0072b2", "#56b4e9"),
    "curve1": ("#0072b2", "#56b4e9"),
    "curve2": ("#d55e00", "#f08a3c"),
    "curve3": ("#009e73", "#3cc9a0"),
    "curve4": ("#cc79a7", "#e0a0c4"),
    "curve5": ("#b8860b", "#e6b422"),
    "curve6": ("#3aa0d8", "#8fd0f5"),
    "curve7": ("#6a51a3", "#b5a2e0"),
    "curve8": ("#4a525c", "#b3bac2"),
    "heat1": ("#fde725", "#482878"),
    "heat2": ("#9fda3a", "#3e4989"),
    "heat3": ("#4ac16d", "#31688e"),
    "heat4": ("#1fa187", "#26828e"),
    "heat5": ("#277f8e", "#1f9e89"),
    "heat6": ("#365c8d", "#6ece58"),
    "heat7": ("#46327e", "#fde725"),
}
KINDS = {
    "conv": "convolution",
    "linear": "linear",
    "norm": "normalisation",
    "activation": "activation",
    "attention": "attention",
    "pool": "pooling, resampling",
    "drop": "dropping",
    "shape": "moving, splitting",
}
HEAT = tuple(f"heat{i}" for i in range(1, 8))  # from little to much
CURVES = tuple(f"curve{i}" for i in range(1, 9))


def on_paper(role: str) -> str:
    """The colour of a role on paper."""
    return COLOURS[role][0]

"""Short texts that ended in an internal error, or in two answers, and what is said of them now."""

import pytest

import archdsl
from archdsl.diagnostics.model import ArchError

NET = "arch net\ninput 3x8x8\n"
SIX = ", ".join(f"{name} = 2 in 0..9" for name in "abcdef")
LETS = "".join(f"let {p} = (a + 1 + {k}) - a\n" for p, k in zip("pqrst", "bcdef", strict=True))
SAID = {
    "a base that is 1 as a float": (
        f"{NET}let x = log(2, 1 + 10^-300)\nrelu\n",
        "A308.*a logarithm to the base 1",
    ),
    "an index that is a float": (
        f"{NET}let xs = [4, 8, 16]\nconv(xs[log(8, 2)], 1)\n",
        "say how to round",
    ),
    "a knob called as a word": (
        "arch net(channels = 8 in {8, 16})\ninput 3x8x8\nconv(channels, 3)\n"
        "layer_norm(over = channels)\n",
        "`channels` is a name of this spec, which hides the word",
    ),
    "groups of one value": (
        f"{NET}conv(4, 3) -> global_avgpool -> group_norm(in.channels)\n",
        "A221",
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_what_is_said(name: str) -> None:
    text, said = SAID[name]
    with pytest.raises(ArchError, match=f"(?s){said}"):
        archdsl.parse(text).with_knobs()


def test_a_product_of_sums_whose_knobs_cancel() -> None:
    spec = archdsl.parse(f"arch net({SIX})\ninput 3x8x8\n{LETS}conv(p * q * r * s * t, 1)\n")
    assert spec.with_knobs().params == 4 * 3**5


def test_what_is_refused_is_refused_again() -> None:
    """What a refused run has made is remembered, and costs as much as at first."""
    spec = archdsl.parse(
        "arch net(w = 1 in 1..4)\ninput 3x8x8\n"
        "block b(c) { for i in 1..60 { let x = [y for y in 1..400] }; conv(c, 1) }\n"
        "for i in 1..12 { b(i) }\nconv(w, 1)\n"
    )
    for _ in range(3):
        with pytest.raises(ArchError, match="A401"):
            spec.with_knobs()

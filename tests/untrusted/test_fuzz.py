"""Whatever the text, nothing but ``ArchError`` leaves the library, and an error says something."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutants import ODD, SPECS, mutants
from program_texts import spec_texts

import archdsl
from archdsl import ArchError, Spec
from archdsl.analysis.space import prove
from archdsl.diagnostics.source import Source
from archdsl.files import decode
from archdsl.graph.build import build
from archdsl.ir.document import from_json, to_json
from archdsl.ir.hash import canonical_hash
from archdsl.syntax.format import format_source
from archdsl.syntax.parse import parse


def said(error: ArchError) -> None:
    """An error has diagnostics, whose text can be shown anywhere."""
    assert error.diagnostics
    assert all(c == "\n" or c.isprintable() for c in str(error))
    str(error).encode()


def used(spec: Spec, **knobs: Any) -> None:
    """All that can be asked of a spec and of one of its networks."""
    arch = spec.with_knobs(**knobs)
    figures = arch.figures
    assert min(figures.params, figures.macs, figures.activations) >= 0
    assert len(arch.shapes) == len(arch.flat.nodes), "two nodes of one path"
    assert arch.depth <= len(arch.flat.nodes)
    again = from_json(to_json(arch.network), spec.registry)
    assert canonical_hash(again) == arch.hash and len(arch.hash) == 32
    memory = arch.memory(2)
    assert memory.training >= memory.inference > 0
    assert list(arch.shown_knobs) == list(arch.knobs)
    if len(arch.flat.nodes) < 500:
        build(arch.network)
    for variant in spec.variants:
        spec.variant(variant)


def tried(text: str) -> None:
    try:
        used(archdsl.parse(text, "fuzz.arch"))
    except ArchError as error:
        said(error)


def reformatted(text: str) -> None:
    """The formatter refuses a text, or keeps what it says."""
    try:
        once = format_source(Source("fuzz.arch", text))
    except ArchError as error:
        said(error)
        return
    assert format_source(Source("fuzz.arch", once)) == once
    trees = [parse(Source("fuzz.arch", t)).statements for t in (text, once)]
    assert trees[0] == trees[1]


@settings(max_examples=100)
@given(spec_texts(fuel=25))
def test_texts_that_parse(text: str) -> None:
    tried(text)


@settings(max_examples=100)
@given(mutants())
def test_specs_with_some_tokens_changed(text: str) -> None:
    tried(text)
    reformatted(text)


@settings(max_examples=15)
@given(mutants(1))
def test_spaces_of_specs_with_a_token_changed(text: str) -> None:
    try:
        proof = prove(archdsl.parse(text, "fuzz.arch").program, 5)
        if proof.counterexample is not None:
            said(ArchError(proof.counterexample.diagnostics))
    except ArchError as error:
        said(error)


LETTERS = st.sampled_from('aiflet x1.=->(){}[],;:#"\\\n\r\t %+*/^<>!|&\0\x1b\x85\u202e\ud800é日')


@settings(max_examples=200)
@given(st.one_of(st.text(max_size=60), st.text(LETTERS, max_size=60)))
def test_any_text(text: str) -> None:
    tried(text)
    tried(f"arch net\ninput 3x8x8\n{text}\nrelu\n")
    reformatted(text)


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    try:
        tried(decode(data, "fuzz.arch"))
    except archdsl.diagnostics.model.Fault as fault:  # what `read` makes an ArchError of
        said(ArchError([fault.diagnostic]))


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.fractions(),
        st.text(max_size=8),
        st.binary(max_size=3),
        st.sampled_from([*ODD, 10**400, Fraction(1, 10**400), object, range(3), {}, {1}]),
    ),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
KNOBS = 'arch net(w = 8 in 4..16, m = relu in {relu, gelu}, p = 0.1, xs = [1], t = "a", on = true)'
NET = archdsl.parse(
    f"{KNOBS}\ninput 3x8x8\nconv(w, 1) -> m -> dropout(p)\nfor x in xs {{ conv(x, 1) }}\n"
    'choose mix { relu; gelu }\nif on and t == "a" { bn }\n'
)


@settings(max_examples=200)
@given(st.sampled_from(["w", "m", "p", "xs", "t", "on", "mix", "none"]), VALUES)
def test_any_value_for_a_knob(knob: str, value: Any) -> None:
    try:
        used(NET, **{knob: value})
    except ArchError as error:
        said(error)


@settings(max_examples=60)
@given(VALUES)
def test_any_value_for_the_input(value: Any) -> None:
    try:
        NET.with_knobs(input=value)
    except ArchError as error:
        said(error)


@pytest.mark.parametrize("number", range(len(SPECS)))
def test_what_is_changed_was_well_before(number: int) -> None:
    used(archdsl.parse(SPECS[number]))

"""The stages one by one give what a `Spec` and its `Architecture` have."""

import archdsl
from archdsl import driver
from archdsl.diagnostics.source import Source
from archdsl.files import Bundle
from archdsl.settings import Decisions

TEXT = "arch net(w = 8 in 4..16)\ninput 3x8x8\nconv(w, 3) -> relu\nglobal_avgpool -> linear(2)\n"


def test_the_stages_in_their_order() -> None:
    source, load = Source("net.arch", TEXT), Bundle({})
    parsed = driver.parse(source)
    assert parsed.found == () and len(parsed.file.statements) == 4
    names = driver.resolve(parsed.file, load)
    assert [(d.kind, d.name) for d in names.definitions] == [("arch", "net"), ("knob", "w")]
    program = driver.compile(source, load)
    network = driver.elaborate(program, {"w": 12}, Decisions({}, {}, {}))
    figures = driver.analyse(network)
    arch = archdsl.parse(TEXT).with_knobs(w=12)
    assert figures == arch.figures and figures.params == 28 * 12 + 13 * 2
    proof = driver.prove(program)
    assert (proof.holds, proof.covered, proof.total) == (True, 13, 13)
    assert driver.emit(arch) == arch.source()


def test_a_text_with_mistakes_comes_as_far_as_its_names() -> None:
    parsed = driver.parse(Source("net.arch", TEXT.replace("-> relu", "-> -> relu")))
    assert [d.code for d in parsed.found] == ["A011"]
    names = driver.resolve(parsed.file, Bundle({}))
    assert [d.name for d in names.definitions] == ["net", "w"]

"""Specs that are compiled and imported again."""

import archdsl

NET = """\
arch net
input 3x16x16
conv(8, 3{start}) -> bn{bn} -> relu
conv(8, 3) -> global_avgpool -> linear(3)
"""


def test_a_hash_but_for_how_weights_start() -> None:
    """A module does not say how its weights start: the hash of what comes back is that of the spec
    without it."""
    plain = archdsl.parse(NET.format(start="", bn="")).with_knobs()
    text = NET.format(start=", init = kaiming_normal(fan_out)", bn="(init = zeros)")
    started = archdsl.parse(text).with_knobs()
    assert started.hash != plain.hash
    for wanted in (plain, started):
        imported = archdsl.import_module(wanted.build(), wanted.input, name="net", run=False)
        assert imported.architecture.hash == plain.hash

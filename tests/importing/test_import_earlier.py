"""Sources that earlier versions compiled."""

from typing import Any

import pytest

import archdsl

SPEC = "arch net\ninput 8x9\nconv(24, 1) -> attend({})\n"
NOW = """\
        drop = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(
            q, k, v, dropout_p=drop, is_causal=self.causal
        )
"""
BEFORE = [  # what is written now, and what stood there
    ("        dropout: float = 0.0,\n", ""),
    ("self.rope, self.dropout = causal, rope, dropout\n", "self.rope = causal, rope\n"),
    (NOW, "        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)\n"),
]


@pytest.mark.parametrize("way", ["2, causal = true, rope = 10000", "2, kv_heads = 1, rope = 100"])
def test_attention_before_its_weights_could_be_dropped(way: str) -> None:
    wanted = archdsl.parse(SPEC.format(way)).with_knobs()
    source = wanted.source()
    for now, before in BEFORE:
        assert source.count(now) == 1
        source = source.replace(now, before)
    names: dict[str, Any] = {"__name__": "mine"}
    exec(source, names)
    imported = archdsl.import_module(names["Net"](), (8, 9), name="net")
    assert imported.architecture.hash == wanted.hash
    assert imported.checked[1].startswith("results and gradients")

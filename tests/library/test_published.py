"""What was published, as the specs say it, is what torchvision's weights say of themselves."""

import pytest
from test_figures import FAMILIES
from torchvision.models import get_model_weights

import archdsl
from archdsl.elaborate.published import Published

METRICS = {"imagenet": "ImageNet-1K", "kinetics400": "Kinetics-400"}
MODELS = {"mobilenet_v2_1_0": "mobilenet_v2"}  # where the variant is called otherwise

FACTS = [
    pytest.param(name, fact, id=name)
    for spec in FAMILIES
    for name, variant in archdsl.read(spec).variants.items()
    for fact in variant.published
    if fact.source.startswith("torchvision ")
]


@pytest.mark.parametrize(("variant", "fact"), FACTS)
def test_published(variant: str, fact: Published) -> None:
    weights = get_model_weights(MODELS.get(variant, variant))[fact.source.split()[1]]
    metrics = weights.meta["_metrics"][METRICS[fact.dataset]]
    assert fact.top1 == pytest.approx(1 - metrics["acc@1"] / 100)
    assert fact.top5 == pytest.approx(1 - metrics["acc@5"] / 100)


def test_there_are_as_many_as_were_read() -> None:
    assert len(FACTS) == 50


@pytest.mark.parametrize("spec", FAMILIES)
def test_a_published_error_says_where_it_was_read(spec: str) -> None:
    for variant in archdsl.read(spec).variants.values():
        assert variant.paper is not None
        for fact in variant.published:
            assert fact.source or variant.name == "darknet53"  # the paper itself

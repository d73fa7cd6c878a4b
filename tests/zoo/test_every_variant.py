"""Papers, named variants and published errors of the specs, against the table."""

import pytest
from facts import FACTS, Fact, Published, spec
from thinned import thinned

import archdsl
from archdsl.elaborate import published
from archdsl.files import builtin_names

SPECS = builtin_names()
VARIANTS = [(s, v) for s in SPECS for v in spec(s).variants]
FREE = {"classes", "aux", "size"}  # what a row may set beside its variant: the task, not the net
OWN = sorted({f.spec for f in FACTS})
OURS = {"patterns"}  # no published network: four patterns side by side, to be searched


@pytest.mark.parametrize("name", [s for s in SPECS if s not in OURS])
def test_a_spec_has_a_paper_and_a_named_variant(name: str) -> None:
    variants = spec(name).variants
    assert variants
    for variant in variants.values():
        paper = variant.paper
        assert paper is not None, variant.name
        assert paper.title and paper.authors and paper.year is not None and paper.year > 1985
        assert paper.arxiv or paper.venue
    assert spec(name).doc.endswith(".")


def test_a_name_means_one_variant() -> None:
    names = [v for _, v in VARIANTS] + SPECS
    assert {n for n in names if names.count(n) > 1} == set()


@pytest.mark.parametrize(("name", "variant"), thinned(VARIANTS, 3), ids=lambda x: str(x))
def test_a_variant_can_be_loaded_by_its_name(name: str, variant: str) -> None:
    loaded = archdsl.load(variant)
    assert loaded.spec.name == name
    assert loaded.hash == spec(name).variant(variant).hash


@pytest.mark.parametrize("fact", [pytest.param(f, id=f.name) for f in FACTS if f.variant])
def test_a_network_of_the_table_is_its_variant(fact: Fact) -> None:
    assert fact.variant is not None
    known = spec(fact.spec).variants[fact.variant].knobs
    more = {k: v for k, v in fact.knobs.items() if k in FREE and known.get(k) != v}
    assert spec(fact.spec).variant(fact.variant, **more).hash == fact.build().hash


def test_what_has_no_name() -> None:
    """Networks that no paper and no library gives a name to."""
    nameless = {f.name for f in FACTS if f.variant is None}
    assert nameless == {f"resnet{d}_cifar10_optB" for d in (20, 32, 44, 56, 110)}


def test_torchvisions_names() -> None:
    """Each network of torchvision has its name there, or is the default of the spec so called."""
    for fact in FACTS:
        if fact.source.startswith("torchvision"):
            name = fact.source.partition(": ")[2].partition("(")[0]
            assert archdsl.load(name, **{k: fact.knobs[k] for k in FREE & fact.knobs.keys()}).hash


@pytest.mark.parametrize(
    ("name", "variant"), [(s, v) for s, v in VARIANTS if s in OWN], ids=lambda x: str(x)
)
def test_an_error_of_a_variant_is_one_of_the_table(name: str, variant: str) -> None:
    known = {e for f in FACTS if (f.spec, f.variant) == (name, variant) for e in f.errors}
    for shown in spec(name).variants[variant].published:
        assert shown.source, "where it was read"
        (found,) = [e for e in known if same(e, shown)]
        assert (found.provenance == "recalled") == ("recalled" in shown.note)
        if "augmented" in found.note:
            assert ("not augmented" in found.note) == ("not augmented" in shown.note)


def same(known: Published, shown: published.Published) -> bool:
    values = (known.top1, known.top5, known.error)
    percent = tuple(
        None if v is None else round(100 * v, 6) for v in (shown.top1, shown.top5, shown.error)
    )
    return (known.dataset, known.source, *values) == (shown.dataset, shown.source, *percent)


@pytest.mark.parametrize("fact", [pytest.param(f, id=f.name) for f in FACTS])
def test_errors_that_were_read_at_their_source_are_in_the_spec(fact: Fact) -> None:
    """At least one for each data set that authors or packages print an error for."""
    if fact.variant is None:
        return
    shown = {p.dataset for p in spec(fact.spec).variants[fact.variant].published}
    at_source = {
        e.dataset for e in fact.errors if e.provenance in ("author_repo", "package_metadata")
    }
    assert at_source - {"svhn"} <= shown


def test_errors_that_slides_quote() -> None:
    """A few well-known ones, as a reader would look them up."""
    found = {
        name: [
            (p.dataset, p.top1, p.error) for p in archdsl.load(name).spec.variants[name].published
        ]
        for name in ("resnet50", "vgg16", "resnet110", "wrn_28_10", "densenet_bc190")
    }
    assert found == {
        "resnet50": [("imagenet", 0.2387, None)],
        "vgg16": [("imagenet", 0.28408, None)],
        "resnet110": [("cifar10", None, 0.0643)],
        "wrn_28_10": [("cifar10", None, 0.04), ("cifar100", None, 0.1925)],
        "densenet_bc190": [("cifar10", None, 0.0346), ("cifar100", None, 0.1718)],
    }

"""Each of the kinds that docs/extending.md shows is what the document says of it."""

import re
from pathlib import Path

import pytest
from fences import ROOT, fences

import archdsl
from archdsl.extensions import text_of, with_files, with_packages
from archdsl.layers.base import signature
from archdsl.registered import defined_in
from archdsl.registry import BUILT_IN, REGISTRY, built_in
from archdsl.training.data import describe, load
from archdsl.training.records import read_data, read_recipe

DOCUMENT = ROOT / "docs" / "extending.md"
EXAMPLES = ROOT / "docs" / "examples"
OWN = {
    "my_gate": ("layers", "gate_by_mean"),
    "my_patterns": ("patterns", "ensemble"),
    "my_costs": ("costs", "bytes_moved"),
    "my_sets": ("data", "stripes"),
    "my_metrics": ("metrics", "worst_recall"),
    "my_augmentations": ("augmentations", "blur"),
    "my_recipes": ("recipes", "quick"),
    "my_formats": ("formats", "csv"),
    "my_loggers": ("loggers", "csv_file"),
}
FILES = [EXAMPLES / f"{name}.py" for name in OWN]


@pytest.mark.parametrize("name", OWN)
def test_the_files_are_those_that_are_shown(name: str) -> None:
    shown = {f.after("file"): f.text for f in fences(DOCUMENT) if f.language == "python"}
    assert shown[f"{name}.py"] == (EXAMPLES / f"{name}.py").read_text("utf-8")


def test_each_kind_is_shown_once() -> None:
    registry = with_files(REGISTRY, FILES)
    assert [(c.group, c.name) for c in registry.added] == list(OWN.values())
    assert {group for group, _ in OWN.values()} == set(BUILT_IN)
    for group, name in OWN.values():
        assert name in getattr(registry, group) and name not in getattr(REGISTRY, group)


def test_what_is_built_in_comes_as_a_users_does() -> None:
    for group in BUILT_IN:
        added = REGISTRY.with_added(())
        assert added.group(group) == {cls.name: cls for cls in built_in(group)} != {}
        for cls in built_in(group):
            with pytest.raises(ValueError, match=f"there is a {cls.noun} `{cls.name}` already"):
                REGISTRY.with_added([cls])


def test_the_pattern() -> None:
    registry = with_files(REGISTRY, [EXAMPLES / "my_patterns.py"])
    text = "arch net\ninput 1x8x8\nensemble(3) {{ conv(4, 3) -> relu }}\n{}linear(2)\n"
    arch = archdsl.parse(text.format(""), registry=registry).with_knobs()
    assert arch.params == 3 * (4 * 9 + 4) + 4 * 64 * 2 + 2
    module = arch.build()
    assert sum(p.numel() for p in module.parameters()) == arch.params
    one = archdsl.parse(
        "arch net\ninput 1x8x8\nensemble(1) { conv(4, 3) -> relu }\nlinear(2)\n", registry=registry
    )
    assert [n.layer.name for n in one.with_knobs().flat.nodes[1:] if n.layer] == [
        "conv",
        "relu",
        "linear",
    ]


def test_the_recipe() -> None:
    registry = with_files(REGISTRY, [EXAMPLES / "my_recipes.py"])
    recipe = read_recipe("quick, epochs = 8", registry=registry)
    assert (recipe.epochs, recipe.lr) == (8, 0.05) and recipe.recipe is not None
    assert recipe.recipe.name == "quick" and [a.name for a in recipe.augment] == ["crop", "flip"]
    assert recipe == read_recipe("quick, epochs = 8", registry=registry)
    with pytest.raises(archdsl.ArchError, match="no recipe called `quik`") as caught:
        read_recipe("quik, epochs = 8", registry=registry)
    assert caught.value.diagnostics[0].help[0] == "did you mean `quick`?"


@pytest.mark.parametrize("name", [n for n in OWN if n not in ("my_formats", "my_loggers")])
def test_a_class_without_its_decorator_is_the_same(tmp_path: Path, name: str) -> None:
    group, called = OWN[name]
    text = (EXAMPLES / f"{name}.py").read_text("utf-8")
    path = tmp_path / f"{name}_bare.py"
    path.write_text(re.sub(r"^@dataclass.*\n", "", text, flags=re.MULTILINE))
    bare, whole = (
        with_files(REGISTRY, [file]).group(group)[called]
        for file in (path, EXAMPLES / f"{name}.py")
    )
    assert [str(p.name) for p in signature(bare)] == [str(p.name) for p in signature(whole)]
    given = {p.name: 3 for p in signature(bare) if p.required}
    if name != "my_costs":
        assert bare(**given) == bare(**given)


def test_the_data_set() -> None:
    registry = with_files(REGISTRY, [EXAMPLES / "my_sets.py"])
    data = read_data("stripes(count = 100)", registry=registry)
    assert describe(data, Path()) == ((1, 12, 12), 2)
    splits = load(data, Path())
    assert [len(p) for p in (splits.train, splits.validation, splits.test)] == [80, 10, 10]
    with pytest.raises(archdsl.ArchError, match="`stripes`"):
        read_data("stripes(count = 100)")


def test_the_format(tmp_path: Path) -> None:
    registry = with_files(REGISTRY, [EXAMPLES / "my_formats.py"])
    arch = archdsl.parse("arch net\ninput 1x8x8\nrelu -> linear(2)\n", registry=registry)
    from archdsl.formats.base import Options

    said = registry.formats["csv"].write(arch.with_knobs(), tmp_path / "net.csv", Options())
    assert said == ["3 rows"]
    text = (tmp_path / "net.csv").read_text()
    assert text == "layer,shape\ninput,1x8x8\nrelu1,1x8x8\nlinear1,2\n"


def test_a_package_brings_what_a_file_brings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_costs.py").write_text((EXAMPLES / "my_costs.py").read_text())
    info = tmp_path / "mine-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[archdsl]\nmine = my_costs\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert text_of(Path("mine")) == (tmp_path / "my_costs.py").read_text()
    for registry in (with_packages(REGISTRY), with_files(REGISTRY, [Path("mine")])):
        assert "bytes_moved" in registry.costs
    with pytest.raises(archdsl.ArchError, match="A007"):
        with_files(REGISTRY, [Path("other")])


def test_a_module_brings_what_it_defines_itself() -> None:
    import archdsl.costs.macs as module

    assert [c.name for c in defined_in(module)] == ["macs", "attention_macs"]

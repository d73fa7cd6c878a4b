"""``archdsl compare``: the table, what tools get, measured accuracies, and the charts."""

import csv
import io
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_charts import inside, overlapping

import archdsl
from archdsl.cli.compare import _add_costs, _scene
from archdsl.cli.compared import read_results, rows_of
from archdsl.cli.mapped import map_costs
from archdsl.diagnostics.model import ArchError
from archdsl.pictures.bubbles import front
from archdsl.pictures.scene import Disc
from archdsl.registry import REGISTRY

COSTS = REGISTRY.costs


def test_networks_of_one_name_are_called_by_their_files(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, width in (("small", 8), ("large", 16)):
        text = f"arch net\ninput 3x8x8\nconv({width}, 3) -> linear(10)\n"
        Path(f"{name}.arch").write_text(text)
    ran = run("compare", "small.arch", "large.arch")
    assert [line.split()[0] for line in ran.out.splitlines()[1:3]] == ["small.arch", "large.arch"]
    assert run("compare", "small.arch").out.splitlines()[1].startswith("net ")


def test_the_table(run: Any) -> None:
    ran = run("compare", "resnet18", "resnet50", "vgg16", "resnet34_a")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "network         top-1    MACs  params  best\n"
        "resnet50      76.13 %   4.09G  25.56M  *\n"
        "resnet34_a  74.97 % +   3.64G  21.62M\n"
        "vgg16         71.59 %  15.47G  138.4M\n"
        "resnet18      69.76 %   1.81G  11.69M  *\n"
        "\n"
        "*  no other is as good or better with as little or less: MACs\n"
        "+  over several crops of each image: not compared with the others\n"
    )


def test_a_spec_stands_for_its_variants(run: Any) -> None:
    names = [r["name"] for r in json.loads(run("compare", "resnext", "--json").out)]
    assert sorted(names) == sorted(archdsl.read("resnext").variants)


def test_knobs_in_parentheses_find_what_is_published(run: Any) -> None:
    (found,) = json.loads(run("compare", "resnet(depth = 101)", "--json").out)
    assert found["accuracy"] == pytest.approx(1 - 0.22626)
    (found,) = json.loads(run("compare", "resnet(depth = 101, width = 32)", "--json").out)
    assert (
        found["accuracy"] is None
        and found["params"] == archdsl.load("resnet", depth=101, width=32).params
    )


def test_other_measures(run: Any) -> None:
    (found,) = json.loads(run("compare", "resnet50", "--y", "top5", "--x", "memory", "--json").out)
    assert found["accuracy"] == pytest.approx(1 - 0.07138)
    assert found["memory"] == archdsl.load("resnet50").memory(1).inference
    (found,) = json.loads(
        run("compare", "resnet20", "--dataset", "cifar10", "--size", "activations", "--json").out
    )
    assert found["accuracy"] == pytest.approx(1 - 0.0875)
    assert found["activations"] == archdsl.load("resnet20").activations


def test_csv(run: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(run("compare", "alexnet", "vgg11", "--csv").out)))
    assert list(rows[0]) == [
        "name",
        "spec",
        "accuracy",
        "low",
        "high",
        "source",
        "macs",
        "params",
        "outputs",
    ]
    assert {r["name"] for r in rows} == {"alexnet_2012", "alexnet_cs231n", "alexnet_2014", "vgg11"}
    assert int(rows[0]["params"]) == 132_863_336


def slow(options: tuple[str, ...]) -> Any:
    return pytest.param(options, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    "options", [(), *map(slow, [("--x", "memory", "--size", "activations"), ("--y", "top5")])]
)
def test_nothing_is_wider_than_80_columns(options: tuple[str, ...], run: Any) -> None:
    out = run("compare", *options).out
    assert max(map(len, out.splitlines())) <= 80
    assert len(out.splitlines()) > 100


def test_colours_are_for_terminals(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b" not in run("compare", "alexnet").out
    assert "\x1b" in run("compare", "alexnet", tty=True).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("compare", "alexnet", tty=True).out


# ------------------------------------------------------------------------------ the chart


def rows(*names: str, dataset: str = "imagenet", x: str = "macs") -> list[Any]:
    found = rows_of(names, dataset, "top1", {}, ())
    _add_costs(found, [COSTS[key] for key in ("macs", "params", x)], 1, "cpu")
    return found


def test_the_zoo_in_a_chart() -> None:
    found = rows()
    assert len(found) > 100
    scene = _scene(found, COSTS["macs"], COSTS["params"], "accuracy", "imagenet")
    assert overlapping(scene) == [] and inside(scene)
    assert sum(isinstance(s, Disc) and bool(s.note) for s in scene.shapes) == len(found)


@pytest.mark.parametrize("x", ["params", "activations", "memory"])
def test_other_axes(x: str) -> None:
    found = rows("resnet", "vgg", "densenet", x=x)
    scene = _scene(found, COSTS[x], COSTS["macs"], "accuracy", "imagenet")
    assert overlapping(scene) == [] and inside(scene)


def test_the_published_order_of_canziani() -> None:
    """VGG-16 costs eight times ResNet-50 and is less accurate; AlexNet is the least accurate."""
    names = ("alexnet_2014", "googlenet_tv", "vgg16", "resnet18", "resnet50", "resnet152")
    by_name = {r.name: r for r in rows(*names)}
    assert by_name["vgg16"].costs["macs"] / by_name["resnet18"].costs["macs"] > 8
    assert min(by_name, key=lambda n: by_name[n].accuracy) == "alexnet_2014"
    from archdsl.cli.compare import _blobs

    blobs = _blobs(list(by_name.values()), COSTS["macs"], COSTS["params"])
    assert "vgg16" not in [b.name for b in front(blobs)]


def test_files(run: Any, tmp_path: Path) -> None:
    for name in ("c.svg", "c.html", "c.png", "c.pdf"):
        assert run("compare", "resnet", "-o", str(tmp_path / name)).code == 0
    page = (tmp_path / "c.html").read_text("utf-8")
    assert "<td>resnet50</td><td>76.13 %</td>" in page


# ------------------------------------------------------------------------------- results

RESULTS = {
    "r.csv": "name,accuracy,low,high\nresnet20,92.1%,91.8%,92.4%\n"
    '"resnet_cifar(depth = 32)",0.93,,\n',
    "r.json": '[{"name": "resnet20", "accuracy": 0.921, "low": 0.918, "high": 0.924},'
    ' {"name": "resnet_cifar(depth = 32)", "accuracy": "93%"}]',
}


@pytest.mark.parametrize("name", RESULTS)
def test_measured_accuracies(name: str, run: Any, tmp_path: Path) -> None:
    (tmp_path / name).write_text(RESULTS[name])
    file = str(tmp_path / name)
    call = ("compare", "resnet44", "--dataset", "cifar10", "--results", file)
    found = {r["name"]: r for r in json.loads(run(*call, "--json").out)}
    assert list(found) == ["resnet_cifar(depth = 32)", "resnet44", "resnet20"]
    assert (found["resnet20"]["accuracy"], found["resnet20"]["low"]) == (0.921, 0.918)
    assert found["resnet20"]["source"] == "measured"
    assert found["resnet44"]["accuracy"] == pytest.approx(1 - 0.0717)
    assert "92.10 % (91.8 to 92.4)" in run(*call).out


BAD = {
    "{": "A904",
    "[]": "A904",
    '[{"accuracy": 0.5}]': "A904",
    '[{"name": "resnet20"}]': "A904",
    '[{"name": "resnet20", "accuracy": 93}]': "A904",
    '[{"name": "resnet20", "accuracy": "good"}]': "A904",
    '[{"name": "resnet21", "accuracy": 0.9}]': "A001",
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_table_of_results(text: str, run: Any, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(text)
    ran = run("compare", "alexnet", "--results", str(tmp_path / "r.json"))
    assert ran.code == 1 and ran.err.startswith(f"error[{BAD[text]}]")


STUDY = Path(__file__).parents[2] / "docs" / "examples" / "small.study"


def test_what_a_study_has_measured(run: Any, tmp_path: Path) -> None:
    """Shapes that were trained anew, with their means and intervals, drawn as bars."""
    picture = tmp_path / "c.svg"
    ran = run("compare", "--results", str(STUDY), "-o", str(picture))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[1:3] == [
        "small(depth = 4, width = 17)  99.07 % (98.3 to 99.5)  3.86M  416.8K  *",
        "small(depth = 2, width = 25)  98.93 % (98.1 to 99.4)  4.02M  425.5K",
    ]
    text = picture.read_text()
    assert "top-1 accuracy on digits" in text and "bars: intervals of measured accuracies" in text
    assert "study small: 4M macs, 6 seeds" in text
    named = str(STUDY.with_suffix(""))
    found = json.loads(run("compare", "resnet20", "--results", named, "--json").out)
    assert [r["name"] for r in found][-1] == "resnet20" and found[-1]["accuracy"] is None
    found = json.loads(
        run("compare", "resnet20", "--results", named, "--dataset", "cifar10", "--json").out
    )
    assert [r["accuracy"] for r in found][-1] == pytest.approx(1 - 0.0875)


def test_a_study_that_has_settled_nothing(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "s.study"
    folder.mkdir()
    ran = run("compare", "--results", str(folder))
    assert ran.code == 1 and ran.err.startswith("error[A7")
    shutil.copy(STUDY / "study.json", folder)
    shutil.copy(STUDY / "trials.db", folder)
    with closing(sqlite3.connect(folder / "trials.db")) as database, database:
        database.execute(
            "DELETE FROM trials WHERE study_id IN"
            " (SELECT study_id FROM studies WHERE study_name LIKE '%, settled')"
        )
    ran = run("compare", "--results", str(folder))
    assert ran.code == 1 and ran.err.startswith("error[A904]")
    assert "is not a table of results: it has trained no shape anew yet" in ran.err


def test_results_that_are_not_there() -> None:
    with pytest.raises(ArchError) as error:
        read_results(Path("no/such.csv"))
    assert error.value.diagnostics[0].code == "A001"


def test_nothing_published(run: Any, tmp_path: Path) -> None:
    ran = run("compare", "unet", "-o", str(tmp_path / "c.svg"))
    assert ran.code == 1 and ran.err.startswith("error[A903]")


# ------------------------------------------------------------------------- times, contours


def test_times_are_measured_here(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each network once for each time; the clock is another's business."""
    from archdsl.training import timing

    seen: list[tuple[str, int, str]] = []

    def measure(arch: Any, input: Any, batch: int, device: str) -> Any:
        seen.append((arch.name, batch, device))
        return SimpleNamespace(inference_seconds=0.0125, training_step_seconds=2.5)

    def inference(arch: Any, input: Any, device: str, batch: int) -> float:
        seen.append((arch.name, batch, device))
        return 0.0125

    monkeypatch.setattr(timing, "measure", measure)
    monkeypatch.setattr(timing, "measure_inference", inference)
    ran = run("compare", "alexnet_2014", "--x", "latency", "--size", "train_step", "--batch", "8")
    assert seen == 2 * [("alexnet", 8, "cpu")]
    assert ran.out.splitlines()[1].split() == [
        *("alexnet_2014", "56.52", "%", "12.5", "ms", "714.2M", "61.10M", "2.5", "s", "*")
    ]


def test_contours(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "c.svg"
    ran = run("compare", "wide_resnet", "--chart", "contours", "-o", str(file))
    said, written = ran.out.splitlines()
    assert said == "192 candidates over 8 of depth, 24 of width" and file.exists()
    assert written == f"{file}: what wide_resnet costs, 820 x 620 pixels"
    found = json.loads(run("compare", "wide_resnet", "--chart", "contours", "--json").out)
    assert len(found) == 192
    one = next(r for r in found if (r["depth"], r["width"]) == (16, 12))
    assert one["macs"] == archdsl.load("wide_resnet", depth=16, width=12).macs


def test_a_map_has_holes_where_a_requirement_fails() -> None:
    text = "arch a(n = 1 in 1..4, w = 4 in 4..16 step 4)\nrequire n * w <= 32\n"
    text += "input 3x8x8\nrepeat n { conv(w, 3) }\n"
    file = Path("holes.arch")
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file
        path.write_text(text)
        found = map_costs(str(path), "n,w", ())
    assert [[a is not None for a in row] for row in found.found] == [
        [True] * 4,
        [True] * 4,
        [True, True, False, False],
        [True, True, False, False],
    ]
    assert inside(found.scene())


AXES = {
    ("resnet", "depth"): "A905",
    ("resnet", "depth,depth"): "A905",
    ("resnet", "depth,wdth"): "A502",
    ("resnet", "depth,classes"): "A905",
    ("resnet", "depth,stride_on"): "A905",
}


@pytest.mark.parametrize(("spec", "over"), AXES)
def test_what_is_no_axis(spec: str, over: str, run: Any) -> None:
    ran = run("compare", spec, "--chart", "contours", "--over", over)
    assert ran.code == 1 and ran.err.startswith(f"error[{AXES[spec, over]}]"), ran.err


def test_contours_are_of_one_spec(run: Any) -> None:
    assert run("compare", "--chart", "contours").code == 2


def test_winners(run: Any) -> None:
    out = run("compare", "--chart", "winners").out
    assert "2015  ResNet                      3.57 %    152  arXiv:1512.03385\n" in out
    assert json.loads(run("compare", "--chart", "winners", "--json").out)[0]["year"] == 2010


def test_the_results_of_a_network_that_has_several(run: Any, tmp_path: Path) -> None:
    spec = tmp_path / "two.arch"
    text = "arch two\ninput 3x8x8\nconv(4, 3)\noutput fine(when = always) { relu }\nmaxpool(2)\n"
    spec.write_text(text + "output coarse(when = always) { identity }\n", "utf-8")
    said = run("compare", str(spec), "resnet18").out
    assert said.endswith("\noutputs of two: fine 4x8x8, coarse 4x4x4\n")
    both = {"two": {"fine": "4x8x8", "coarse": "4x4x4"}, "resnet18": {"output": "1000"}}
    found = json.loads(run("compare", str(spec), "resnet18", "--json").out)
    assert {r["name"]: r["outputs"] for r in found} == both
    rows = csv.DictReader(io.StringIO(run("compare", str(spec), "--csv").out))
    assert [r["outputs"] for r in rows] == ["fine 4x8x8, coarse 4x4x4"]

"""Diagnostics for tools: JSON values, and a SARIF log."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import archdsl
from archdsl import ArchError, __version__
from archdsl.cli.main import cli
from archdsl.diagnostics import codes
from archdsl.diagnostics.export import to_dict, to_sarif
from archdsl.diagnostics.model import diagnose
from archdsl.diagnostics.source import Source, Span

TEXT = """arch net(width = 16)
input 3x32x32
block unit(c, stride = 1) {
  residual(shortcut = identity) {
    conv(c, 3, stride = stride)
  }
}
stage: { unit(width); unit(width, stride = 2) }
head: linear(width / 3)
"""


@pytest.fixture
def mistakes() -> ArchError:
    with pytest.raises(ArchError) as caught:
        archdsl.parse(TEXT, "net.arch").with_knobs()
    return caught.value


def test_a_diagnostic_as_values(mistakes: ArchError) -> None:
    first, second = (to_dict(d) for d in mistakes.diagnostics)
    place = {"file": "net.arch", "line": 4, "column": 3, "end_line": 4, "end_column": 11}
    assert first == {
        "code": "A201",
        "severity": "error",
        "message": "these tensors cannot be added: 3x32x32 and 16x32x32",
        "labels": [
            {"text": "the shortcut has 3x32x32", **place},
            {
                "text": "the body gives 16x32x32",
                "file": "net.arch",
                "line": 5,
                "column": 5,
                "end_line": 5,
                "end_column": 32,
            },
        ],
        "trail": [
            {
                "name": "stage",
                "arguments": {},
                "file": "net.arch",
                "line": 8,
                "column": 1,
                "end_line": 8,
                "end_column": 48,
            },
            {
                "name": "unit",
                "arguments": {"c": "16", "stride": "1"},
                "file": "net.arch",
                "line": 8,
                "column": 10,
                "end_line": 8,
                "end_column": 21,
            },
        ],
        "knobs": {"width": "16"},
        "notes": [],
        "help": ["leave `shortcut` out, and a projection is added where shapes differ"],
    }
    assert second["code"] == "A301"
    assert json.loads(json.dumps([first, second])) == [first, second]


def test_a_diagnostic_without_a_place() -> None:
    found = to_dict(diagnose(codes.NO_SUCH_FILE, name="x.arch"))
    assert found["labels"] == [] and found["trail"] == [] and found["knobs"] == {}


def test_every_golden_goes_out() -> None:
    for path in sorted((Path(__file__).parent / "bad").glob("A2*.arch")):
        with pytest.raises(ArchError) as caught:
            archdsl.parse(path.read_text("utf-8"), path.name).with_knobs()
        log = to_sarif(caught.value.diagnostics, "1")
        assert_sarif(json.loads(json.dumps(log)))
        json.dumps([to_dict(d) for d in caught.value.diagnostics])


def assert_sarif(log: Any) -> None:
    """What the schema of SARIF 2.1.0 asks of the parts that are written."""
    assert log.keys() == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "archdsl" and isinstance(driver["version"], str)
    rules = [rule["id"] for rule in driver["rules"]]
    assert len(set(rules)) == len(rules)
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"] and rule["fullDescription"]["text"]
    for result in run["results"]:
        assert result["ruleId"] in rules
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]
        for location in (*result.get("locations", ()), *result.get("relatedLocations", ())):
            place = location["physicalLocation"]
            uri = place["artifactLocation"]["uri"]
            assert uri and " " not in uri and "\\" not in uri, "a URI reference"
            region = place["region"]
            assert all(isinstance(n, int) and n >= 1 for n in region.values())
            start = region["startLine"], region["startColumn"]
            assert start < (region["endLine"], region["endColumn"])
            assert "message" not in location or location["message"]["text"]
        assert len(result.get("locations", ())) <= 1


def test_sarif(mistakes: ArchError) -> None:
    log = to_sarif(mistakes.diagnostics, __version__)
    assert_sarif(log)
    first, second = log["runs"][0]["results"]
    assert first["ruleId"] == "A201" and second["ruleId"] == "A301"
    assert first["message"]["text"] == (
        "these tensors cannot be added: 3x32x32 and 16x32x32\n"
        "in unit (line 8) in stage (line 8), with c = 16, stride = 1, width = 16\n"
        "help: leave `shortcut` out, and a projection is added where shapes differ"
    )
    (location,) = first["locations"]
    assert location["physicalLocation"]["region"] == {
        "startLine": 4,
        "startColumn": 3,
        "endLine": 4,
        "endColumn": 11,
    }
    assert [x["message"]["text"] for x in first["relatedLocations"]] == ["the body gives 16x32x32"]


def test_sarif_of_nothing_and_of_no_place() -> None:
    assert_sarif(to_sarif([], "1"))
    assert to_sarif([], "1")["runs"][0]["results"] == []
    log = to_sarif([diagnose(codes.NO_SUCH_FILE, name="x.arch")], "1")
    assert_sarif(log)
    assert "locations" not in log["runs"][0]["results"][0]


def test_sarif_names_files_by_uris() -> None:
    source = Source("my nets/größe 100%.arch", "relu\n")
    log = to_sarif([diagnose(codes.NO_ARCH, Span(source, 0, 4))], "1")
    assert_sarif(log)
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "my%20nets/gr%C3%B6%C3%9Fe%20100%25.arch"


def test_an_empty_place_has_a_width() -> None:
    with pytest.raises(ArchError) as caught:
        archdsl.parse("", "empty.arch")
    assert_sarif(to_sarif(caught.value.diagnostics, "1"))


def test_the_command_writes_both(tmp_path: Path) -> None:
    path = tmp_path / "net.arch"
    path.write_text(TEXT, "utf-8")
    good = tmp_path / "good.arch"
    good.write_text("arch good\ninput 3x8x8\nrelu\n", "utf-8")
    result = CliRunner().invoke(cli, ["check", "--sarif", str(path), str(good)])
    log = json.loads(result.stdout)
    assert_sarif(log)
    assert len(log["runs"][0]["results"]) == 2
    result = CliRunner().invoke(cli, ["check", "--json", str(path), str(good)])
    bad, fine = json.loads(result.stdout)
    assert [d["code"] for d in bad["diagnostics"]] == ["A201", "A301"]
    assert fine["ok"] is True and fine["diagnostics"] == []

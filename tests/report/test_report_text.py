"""What a report says, for studies of every kind and in every state."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from reading import Read

import archdsl
from archdsl.report.trials import trials_html
from archdsl.search.outcome import best, verdict
from archdsl.search.snapshot import read_study
from archdsl.verdict import words


@pytest.fixture(scope="module")
def read(budgets: Path) -> Read:
    return Read(budgets)


def test_the_verdict_stands_on_top_in_its_words(read: Read, budgets: Path) -> None:
    with read_study(str(budgets)) as study:
        said = [line.strip() for line in words(verdict(study)).split("\n")]
    assert read.sections[0] == "answer"
    lines = read.text("answer").split("\n")
    assert lines[0] == "The answer"
    assert [line for line in lines if line in said] == said
    assert said[0].startswith("At 1M multiply-adds there is no evidence of a difference between")


def test_what_failed_is_told(read: Read) -> None:
    count = sum(r.state == "failed" for r in read.facts.rows)
    assert count and f"{count} of 69 trials failed: diverged ({count})." in read.text("answer")


def test_the_best_network_and_how_to_take_it(read: Read, budgets: Path) -> None:
    with read_study(str(budgets)) as study:
        row = best(study)
    text = " ".join(read.text("answer").split("\n"))
    solved = row.solved.replace(" = ", " ")
    assert f"Best network: {row.shape.replace(' = ', ' ')}, {solved}, at 4M" in text
    assert f"which reached accuracy {100 * (row.accuracy or 0):.2f} %" in text
    assert text.endswith(f"archdsl best {budgets} -o best.arch")


def test_what_was_asked_is_told_to_who_did_not_ask(read: Read) -> None:
    head = re.sub(r"<[^>]*>", "", read.page.partition("<main>")[0])
    assert "Is a wide or a deep network better?" in head
    assert (
        "Networks of the spec wide_resnet were trained on digits, whose images are 1x8x8." in head
    )
    assert (
        "Varied: depth in {10, 16, 22, 28, 40}. For each, width was solved for, so that the"
        " networks compared have the same cost: 1M multiply-adds, 2M multiply-adds and 4M"
        " multiply-adds, within 5 %."
    ) in head
    assert "Exploring took 2 seeds a shape; the best shape of each side" in head


def test_how_it_was_made(read: Read) -> None:
    card, text = read.facts.card, read.text("origin")
    assert "archdsl search wide_or_deep --workers 2" in text
    for value in (*card.versions.values(), *card.machine.values(), *card.identity.values()):
        assert value in text
    assert card.search.strip().split("\n")[-1] in text
    assert card.spec.strip().split("\n")[-1].strip() in text


def test_the_table_has_every_trial(read: Read) -> None:
    section = read.section("trials")
    head = re.findall(r'<th scope="col".*?<button type="button">(.*?)</button>', section)
    assert head == [
        "trial", "stage", "budget", "shape", "solved for", "setting", "seed", "state", "accuracy",
        "test", "layers", "channels", "MACs", "parameters", "activations", "time",
    ]  # fmt: skip
    rows = re.findall(r'<tr id="t-(.*?)" data-state="(\w+)">(.*?)</tr>', section)
    assert [(k, s) for k, s, _ in rows] == [(read.facts.key(r), r.state) for r in read.facts.rows]
    by_key = {k: re.findall(r"<td.*?>(.*?)</td>", cells) for k, _, cells in rows}
    row = next(r for r in read.facts.rows if r.state == "done")
    cells = by_key[read.facts.key(row)]
    assert cells[3] == row.shape.replace(" = ", " ") and cells[5] == row.setting
    assert cells[8] == f"{100 * (row.accuracy or 0):.2f} %"
    lost = next(r for r in read.facts.rows if r.state == "failed")
    assert by_key[read.facts.key(lost)][7:9] == ["diverged", ""]


def test_what_was_passed_on_is_no_failure_in_the_filter(read: Read) -> None:
    first, second, *rest = (r for r in read.facts.rows if r.state == "done")
    passed = [
        replace(first, state="failed", failure="dropped", accuracy=None),
        replace(second, state="failed", failure="interrupted", accuracy=None),
    ]
    html = trials_html(replace(read.facts, rows=[*passed, *rest]))
    options = re.findall(r'<option value="(.*?)">(.*?)</option>', html)
    done = ("done", f"done ({len(rest)})")
    assert options[1:4] == [done, ("interrupted", "interrupted (1)"), ("dropped", "dropped (1)")]


def test_columns_sort_by_values_and_not_by_texts(read: Read) -> None:
    rows = re.findall(r'<tr id="t-(.*?)".*?>(.*?)</tr>', read.section("trials"))
    sort = {k: re.findall(r"<td(.*?)>", cells) for k, cells in rows}
    for column, value in ((12, "macs"), (15, "seconds"), (8, "accuracy")):
        known = [
            (
                getattr(r, value),
                int(re.search(r'data-v="(\d+)"', sort[read.facts.key(r)][column])[1]),
            )  # type: ignore[index]
            for r in read.facts.rows
            if getattr(r, value) is not None
        ]
        assert [v for v, _ in sorted(known)] == [v for v, _ in sorted(known, key=lambda p: p[1])]


def test_each_trial_has_its_frozen_spec_and_its_drawing(read: Read, tmp_path: Path) -> None:
    for row in read.facts.rows[::9]:
        key = read.facts.key(row)
        file = tmp_path / "frozen.arch"
        file.write_text(read.net(key, "spec"), "utf-8")
        arch = archdsl.load(str(file))
        assert (arch.hash, arch.params, arch.macs) == (row.hash, row.params, row.macs)
        drawing = read.net(key, "drawing")
        assert drawing.startswith("<svg ") and "wide_resnet" in drawing
        about = dict(read.data["trials"][key]["about"])
        assert about["hash of its graph"] == row.hash
        if row.state == "failed":
            assert about["why it failed"] == "the loss is not finite in epoch 3"


def test_equal_texts_are_kept_once(read: Read) -> None:
    lines, nets = read.data["lines"], read.data["nets"]
    assert len(nets) == 15 and len(set(lines)) == len(lines)
    whole = sum(len(lines[n]) for net in nets.values() for kind in net.values() for n in kind)
    assert sum(map(len, lines)) < whole / 2
    assert len(read.page.encode()) < 500_000


def test_nothing_is_asked_of_the_network(read: Read) -> None:
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in read.page
    assert not re.search(r"<(link|img|iframe|object|embed|script src)\b", read.page)
    assert "url(" not in read.page and "@import" not in read.page
    assert not re.findall(r'(?:src|href)="(?!#)', read.page)


def test_equal_studies_make_equal_reports(read: Read, budgets: Path) -> None:
    assert Read(budgets).page == read.page


# ----------------------------------------------------------------------- other studies


def test_several_objectives(pareto: Path) -> None:
    read = Read(pareto)
    text = " ".join(read.text("answer").split("\n"))
    count = len(read.facts.front)
    assert (
        f"Of 12 trained networks, these {count} are beaten by no other in all that was asked"
        in text
    )
    assert "more accuracy, less macs and less latency." in text
    assert read.sections[1] == "fronts" and "aspect" not in read.sections
    row = read.facts.front[0]
    assert f"{100 * row.values[0]:.2f} %" in text and f"{1000 * row.values[2]:.3g} ms" in text
    assert "latency" in read.section("trials")


def test_kinds(kinds: Path) -> None:
    read = Read(kinds)
    assert 'At 1M multiply-adds, pattern "residual" beats pattern "dense"' in read.text("answer")
    assert read.sections[1] == "shapes"
    assert "These shapes are kinds" in read.text("growth")


def test_one_that_has_only_begun(begun: Path) -> None:
    read = Read(begun)
    text = read.text("answer")
    assert "it is exploring, 0 of 45 trials have ended. Results may change." in text
    assert "There is no answer yet: no training run has finished." in text
    assert read.text("curves") == (
        "Learning curves\nNo training run whose epochs are known has ended yet."
    )
    assert read.section("trials").count("<tr id=") == 45


def test_one_that_is_half_done(half: Path) -> None:
    read = Read(half)
    text = read.text("answer")
    assert "This search is not finished: it is exploring, 20 of 45 trials have ended." in text
    assert "nothing is settled: a comparison needs 2 fresh results of each shape" in text


def test_one_that_retrains(settling: Path) -> None:
    text = Read(settling).text("answer")
    assert "it is retraining what it chose on fresh seeds, 19 of 28 trials have ended." in text


def test_one_of_which_everything_failed(failed: Path) -> None:
    read = Read(failed)
    text = read.text("answer")
    assert "16 of 16 trials failed: diverged (16)." in text
    assert "There is no answer: every trial failed. The last: the loss is not finite in" in text
    assert "only failed" in read.text("map")
    assert read.text("shapes" if "shapes" in read.sections else "aspect").endswith(
        "No training run has succeeded yet."
    )


def test_one_of_a_single_trial(one: Path) -> None:
    read = Read(one)
    text = read.text("answer")
    assert "nothing is settled: only one shape has a training run that succeeded." in text
    assert "failed" not in text and "This search is not finished" not in text
    assert "10 finished trials are needed, and there is 1." in read.text("importances")

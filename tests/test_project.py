"""The project as a whole: which way imports go, what a command loads, what is shipped."""

import ast
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import archdsl
from archdsl.cli.main import COMMANDS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "archdsl"

# --------------------------------------------------------------- which way imports go

# Each may import what stands before it, and nothing that stands after. A new package or module
# of `archdsl` gets its place here.
ORDER = (
    "__about__",
    "records",
    "registered",
    "diagnostics",
    "layers",
    "registry",
    "ir",
    "units",
    "costs",
    "syntax",
    "elaborate",
    "graph",
    "analysis",
    "writing",
    "within",
    "outputs",
    "files",
    "parquet",
    "modelcard",
    "resolve",
    "settings",
    "budget",
    "pictures",
    "backend",
    "driver",
    "lint",
    "spec",
    "named",
    "extensions",
    "freeze",
    "formats",
    "importing",
    "notebook",
    "verdict",
    "training",
    "search",
    "editing",
    "report",
    "__init__",
    "server",
    "cli",
    "__main__",
)


def unit(path: Path) -> str:
    """The package or module of `archdsl` that a file is in."""
    first, *rest = path.relative_to(PACKAGE).parts
    return first if rest else Path(first).stem


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """The full names that a file imports of `archdsl`, wherever in the file: in a function they
    count as well.

    Names that only a type checker reads need no code, and do not count.
    """
    tree = ast.parse(path.read_text("utf-8"))
    unread = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in unread:
            continue
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} is a relative import"
            names = [f"{node.module}.{a.name}" for a in node.names]
        else:
            continue
        yield from ((node.lineno, name) for name in names if name.split(".")[0] == "archdsl")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """The packages and modules at the top of `archdsl` that a file imports."""
    for line, name in imported(path):
        _, *rest = name.split(".")
        known = rest and (rest[0] in ORDER or (PACKAGE / f"{rest[0]}.py").exists())
        yield line, rest[0] if known else "__init__"


FILES = sorted(PACKAGE.rglob("*.py"))


def test_every_package_has_its_place() -> None:
    assert {unit(p) for p in FILES} == set(ORDER)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    place = ORDER.index(unit(path))
    backwards = [
        f"line {line} imports {name}"
        for line, name in imports(path)
        if ORDER.index(name) > place and name != unit(path)
    ]
    assert backwards == []


OF_OPTUNA = ("_trial_id", "_study_id", "_storage", "_cached_frozen_trial", "_get_stale_trial_ids")


def private_names(program: str) -> Iterator[str]:
    """What a program takes of Optuna that has no public name."""
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names if a.name.split(".")[0] == "optuna"]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "optuna":
            names = [f"{node.module}.{a.name}" for a in node.names]
        elif isinstance(node, ast.Attribute):
            names = [ast.unparse(node)] if ast.unparse(node).startswith("optuna.") else []
            own = isinstance(node.value, ast.Name) and node.value.id == "self"
            names += [node.attr] if node.attr in OF_OPTUNA and not own else []
        else:
            continue
        yield from (n for n in names if any(part.startswith("_") for part in n.split(".")))


def test_nothing_reaches_into_the_private_parts_of_optuna() -> None:
    texts = {path.name: path.read_text("utf-8") for path in FILES}
    found = [(file, name) for file, text in texts.items() for name in private_names(text)]
    assert found == []


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("import optuna.storages._heartbeat as h", "optuna.storages._heartbeat"),
        ("from optuna.storages import _heartbeat", "optuna.storages._heartbeat"),
        ("optuna.storages._heartbeat.fail", "optuna.storages._heartbeat.fail"),
        ("trial._trial_id", "_trial_id"),
    ],
)
def test_a_private_part_of_optuna_is_found(program: str, name: str) -> None:
    assert name in private_names(program)
    public = "import optuna.storages, os._x\nfrom optuna import Trial\nself._storage"
    assert list(private_names(public)) == []


def test_no_two_modules_import_each_other() -> None:
    """No circle of imports, of two modules or of several, within a package either."""
    modules = {".".join(p.relative_to(ROOT).with_suffix("").parts): p for p in FILES}
    modules = {name.removesuffix(".__init__"): path for name, path in modules.items()}
    needs: dict[str, set[str]] = {}
    for name, path in modules.items():
        for _, found in imported(path):
            while found not in modules:  # a name in a module
                found = found.rpartition(".")[0]
            needs.setdefault(name, set()).update({found} - {name})
    assert "archdsl.ir.network" in needs["archdsl.elaborate.program"]
    try:
        list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise AssertionError(f"these import each other: {circle}") from None


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_have_a_purpose_and_a_bound(path: Path) -> None:
    text = path.read_text("utf-8")
    if text:
        assert ast.get_docstring(ast.parse(text)), "it says what it is about"
    assert len(text.splitlines()) <= 400
    assert path.name not in ("utils.py", "helpers.py", "common.py", "misc.py")


def test_a_name_of_a_class_means_one_thing() -> None:
    """But for nodes of a syntax tree, which are written with their module (`tree.Knob`), and
    modules of PyTorch, which are called as the layer or the pattern that they are the code of."""
    theirs = ("syntax/tree.py", "syntax/search_tree.py", "layers/modules/", "backend/helpers/")
    seen: dict[str, list[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(theirs):
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.ClassDef):
                    seen.setdefault(node.name, []).append(name)
    assert {name: places for name, places in seen.items() if len(places) > 1} == {}


SAME_IN_EVERY_ROOM = {  # names of files that stand in several rooms, and what they mean in each
    "answer": "what a study says",
    "arithmetic": "numbers that are worked out",
    "attention": "the layer",
    "base": "what a thing of this room is",
    "build": "a value of this room, made from that of the room before",
    "calls": "calls with their arguments",
    "convert": "from one form to another",
    "curve": "a line through values of a knob",
    "dense": "the pattern",
    "exchange": "as JSON, out and in",
    "export": "for tools outside",
    "exported": "programs of torch.export",
    "expressions": "those of a spec",
    "model": "the data that a room is about",
    "named": "things by their names",
    "naming": "how names are given",
    "outcome": "what a training or a study gave",
    "own": "what a user brings",
    "page": "a page of HTML in one file",
    "plan": "what is to be made, in which order",
    "reading": "from a text to what it asks, or its mistakes",
    "recorded": "what was recorded before",
    "records": "classes that are their fields",
    "render": "as text",
    "residual": "the pattern",
    "saved": "what a file holds, none of it run",
    "scope": "which names are seen where",
    "session": "what lasts while a program runs",
    "settings": "values that a user gives",
    "shapes": "those of a search",
    "shared": "layers with one set of weights",
    "source": "a text",
    "sources": "where something comes from",
    "space": "that of a spec's knobs",
    "start": "where a training or a search begins",
    "table": "rows and columns, or names and what they mean",
    "terms": "what expressions are made of",
    "text": "as text",
    "values": "values of the room's language",
    "verify": "whether a value is what it should be",
    "words": "in few words for people",
}


def test_a_name_of_a_file_means_one_thing() -> None:
    """Files of commands, of codes and of modules of PyTorch are called as what they belong to."""
    apart = ("cli/", "diagnostics/codes/", "layers/modules/", "backend/helpers/")
    names = [
        path.stem
        for path in PACKAGE.rglob("*.py")
        if path.stem != "__init__" and not path.relative_to(PACKAGE).as_posix().startswith(apart)
    ]
    assert {n for n in names if names.count(n) > 1} == SAME_IN_EVERY_ROOM.keys()


def test_names_of_test_files_are_unique() -> None:
    """pytest imports them, and what they share, by their bare names."""
    names = [p.name for p in (ROOT / "tests").rglob("*.py") if p.name != "conftest.py"]
    assert {n for n in names if names.count(n) > 1} == set()


def test_tests_import_what_they_share_by_its_bare_name() -> None:
    """`tests` is no package: `from tests.thinned` works by chance, where the path has the root."""
    by_chance = re.compile(r"^\s*(?:from|import) tests\b", re.MULTILINE)
    files = (ROOT / "tests").rglob("*.py")
    assert [p.name for p in files if by_chance.search(p.read_text())] == []


# ----------------------------------------------------------------- what a command loads

HEAVY = ("torch", "numpy", "optuna", "torchvision", "onnx")


def loaded(code: str, folder: Path, stdin: str = "") -> set[str]:
    """Which of the large packages a program, run in a folder, has loaded at its end."""
    report = f"import json, sys; print(json.dumps([m for m in {(*HEAVY, 'networkx')!r} "
    program = f"{code}\n{report}if m in sys.modules]))"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        input=stdin,
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(ran.stdout.splitlines()[-1]))


def test_importing_loads_none_of_the_large_packages(tmp_path: Path) -> None:
    assert loaded("import archdsl", tmp_path) == set()
    assert loaded("import archdsl; archdsl.load('resnet50').macs", tmp_path) == set()


def test_the_graph_loads_networkx_and_no_more(tmp_path: Path) -> None:
    assert loaded("import archdsl; archdsl.load('alexnet').graph", tmp_path) == {"networkx"}


CALLS = {
    "new": ["--help"],
    "check": ["alexnet"],
    "summary": ["alexnet"],
    "explain": ["alexnet"],
    "fmt": ["-"],
    "import": ["--help"],  # makes a model, in a process of its own
    "fit": ["resnet18", "--macs", "1G", "--by", "width", "--within", "10%"],
    "graph": ["alexnet"],
    "specs": ["alexnet"],
    "error": ["A201"],
    "completion": ["bash"],
    "compile": ["alexnet"],
    "measure": ["--help"],
    "draw": ["alexnet"],
    "diff": ["alexnet", "resnet18"],
    "compare": ["alexnet"],
    "train": ["--help"],  # writes alexnet.py
    "data": ["--help"],
    "predict": ["--help"],
    "evaluate": ["--help"],
    "report": ["--help"],
    "search": ["--help"],
    "verdict": ["--help"],
    "best": ["--help"],
    "worker": ["--help"],
    "lsp": ["--help"],
    "mcp": ["--help"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_reads_a_spec_loads_no_pytorch(command: str, tmp_path: Path) -> None:
    call = [command, *CALLS[command]]
    program = (
        "from archdsl.cli.main import main\n"
        f"try:\n    main({call!r})\nexcept SystemExit as exit:\n    assert exit.code == 0"
    )
    stdin = "arch a\ninput 3x8x8\nrelu\n"
    assert loaded(program, tmp_path, stdin) == ({"networkx"} if command == "graph" else set())


# ------------------------------------------------------------------------- public names


@pytest.mark.parametrize("name", archdsl.__all__)
def test_public_names_say_what_they_are(name: str) -> None:
    thing = getattr(archdsl, name)
    doc = inspect.getdoc(thing) or ""
    assert doc and not doc.startswith(f"{name}(")
    if not inspect.isclass(thing):
        return
    for key, value in vars(thing).items():
        if not key.startswith("_"):
            function = value.fget if isinstance(value, property) else getattr(value, "func", value)
            if callable(function):
                assert inspect.getdoc(function), f"{name}.{key}"


def test_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    (latest,) = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)[:1]
    assert project["version"] == archdsl.__version__ == latest


# ----------------------------------------------------------------------- what is shipped

# Folders of the tree, and the packages that they are in an installation.
FOLDERS = {
    "archdsl": "archdsl",
    "grammars": "archdsl/grammars",
    "specs": "archdsl/specs",
    "search": "archdsl/searches",
}
SHIPPED = {
    "archdsl": (".py", "py.typed", ".js", ".css", ".bash"),
    "grammars": (".py", ".lark", ".json"),
    "specs": (".py", ".arch"),
    "search": (".py", ".search"),
}


def in_the_tree() -> set[str]:
    """The files that an installation should have."""
    return {
        f"{package}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, package in FOLDERS.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.name.endswith(SHIPPED[folder])
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a source distribution, and with the wheel that was built of it."""
    copy, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist")
    for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, copy)
    for folder in FOLDERS:
        ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignore)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(copy)]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return out


def wheel(built: Path) -> Path:
    (path,) = built.glob("*.whl")
    return path


def test_the_wheel_has_every_file_of_the_tree_and_no_other(built: Path) -> None:
    with zipfile.ZipFile(wheel(built)) as archive:
        names = {n for n in archive.namelist() if ".dist-info/" not in n}
    assert names == in_the_tree()


def test_the_wheel_says_what_it_is(built: Path) -> None:
    assert wheel(built).name == f"archdsl-{archdsl.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel(built)) as archive:
        info = {n.partition(".dist-info/")[2]: n for n in archive.namelist() if ".dist-info/" in n}
        metadata = archive.read(info["METADATA"]).decode()
        points = archive.read(info["entry_points.txt"]).decode()
    assert "licenses/LICENSE" in info
    assert "archdsl = archdsl.cli.main:main" in points
    required = re.findall(r"^Requires-Dist: ([\w-]+)(?!.*extra)", metadata, re.MULTILINE)
    assert sorted(set(required)) == ["click", "lark", "networkx", "rich"]


def test_the_source_distribution_has_the_tree(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {n.partition("/")[2] for n in archive.getnames()}
    wanted = {
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.name.endswith(SHIPPED[folder])
    }
    assert wanted | {"pyproject.toml", "README.md", "LICENSE"} <= names


def test_what_was_unpacked_works(built: Path, tmp_path: Path) -> None:
    """Specs and grammars are found where the wheel puts them, and not in this tree."""
    with zipfile.ZipFile(wheel(built)) as archive:
        archive.extractall(tmp_path)
    program = (
        "import archdsl, archdsl.files\n"
        "print(archdsl.__file__)\nprint(archdsl.files.builtin_folder())\n"
        "print(archdsl.load('resnet50').params)\n"
        "print(len(archdsl.files.builtin_names()))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    specs = len(list((ROOT / "specs").glob("*.arch")))
    assert ran.stdout.splitlines() == [
        str(tmp_path / "archdsl" / "__init__.py"),
        str(tmp_path / "archdsl" / "specs"),
        "25557032",
        str(specs),
    ]

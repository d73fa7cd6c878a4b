"""Records from the syntax tree: ``sgd(momentum = 0.9)`` with its arguments read and checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose, did_you_mean
from archdsl.diagnostics.source import Source, Span, Typed
from archdsl.elaborate.compiler import Compiler
from archdsl.elaborate.values import describe
from archdsl.elaborate.work import Work
from archdsl.files import named_like
from archdsl.layers.arguments import OneOf, Reader, Unreadable
from archdsl.layers.base import signature
from archdsl.registry import REGISTRY, Registry
from archdsl.syntax import search_tree, tree
from archdsl.syntax.elsewhere import of_data_file
from archdsl.syntax.language import SEARCH
from archdsl.syntax.parse import parse
from archdsl.training.data.folder_layout import MASKED
from archdsl.training.data.search_path import missing
from archdsl.training.named import NamedRecipe
from archdsl.training.packages import DATA_GROUP
from archdsl.training.recipe import TABLES, Recipe
from archdsl.training.sets import Data, ImageFolder, MaskFolder, PluginData
from archdsl.training.settings import Setting, SettingReader, TextReader, TextsReader

OWN = "one of your own is in a Python file, which --allow-python names"


class Mistaken:
    """Stands for a value whose mistake has been noted."""


MISTAKEN: Any = Mistaken()


class Records:
    """Makes the values of a .search file. Mistakes are noted in ``found``."""

    def __init__(self, file: tree.File, registry: Registry) -> None:
        self.registry = registry
        self.compiler = Compiler(_no_files, registry, Work())
        self.found: list[Diagnostic] = self.compiler.found
        self.scope = self.compiler.compile_file(tree.File(file.span, (), {})).scope

    def report(self, *args: Any, **fields: Any) -> None:
        self.found.append(diagnose(*args, **fields))

    def make(self, cls: type[Any], arguments: tuple[tree.Argument, ...], span: Span) -> Any:
        """A record from arguments; mistakes are noted."""
        parameters = {p.name: p for p in signature(cls)}
        values: dict[str, Any] = {}
        mistaken: set[str] = set()  # what is given, but is no value
        for place, argument in enumerate(arguments):
            names = list(parameters)
            key: str
            if argument.name is None:
                key = names[place] if place < len(names) else ""
            else:
                key = argument.name.text
            if key not in parameters or key in values:
                kind, help = codes.GIVEN_TWICE, []
                if key not in parameters:
                    kind, help = codes.NO_SUCH_ARGUMENT, did_you_mean(key, names)
                    help = help or ([f"`{cls.name}` takes {', '.join(names)}"] if names else [])
                where = argument.span if argument.name is None else argument.name.span
                shown = key or where.source.text[where.start : where.end]
                self.report(kind, where, help=help, name=shown, callee=cls.name)
                continue
            reader = parameters[key].reader
            value = self.text(argument, reader, key, cls.name)
            if value is MISTAKEN:
                mistaken.add(key)
                continue
            try:
                values[key] = reader.read(value)
            except Unreadable as problem:
                mistaken.add(key)
                self.report(codes.WRONG_ARGUMENT, argument.span, name=key, callee=cls.name,
                            given=describe_value(value), expected=problem.expected)  # fmt: skip
        missing = [p.name for p in parameters.values() if p.required and p.name not in values]
        if wanted := [name for name in missing if name not in mistaken]:
            missing = wanted
            names_text = " and ".join(f"`{m}`" for m in missing)
            self.report(codes.MISSING_ARGUMENT, span, names=names_text, callee=cls.name)
        return None if missing else cls(**values)

    def recipe(self, arguments: tuple[tree.Argument, ...], span: Span) -> Recipe | None:
        """A recipe: what is given, and, where it names another, the settings of that one."""
        naming = [a for a in arguments if a.name is not None and a.name.text == "recipe"]
        rest = tuple(a for a in arguments if a not in naming)
        made: Recipe | None = self.make(Recipe, rest, span)
        for argument in naming[1:]:
            self.report(codes.GIVEN_TWICE, argument.span, name="recipe", callee=Recipe.name)
        if not naming or made is None:
            return made
        readers = {p.name: p.reader for p in signature(Recipe)}
        reader = readers["recipe"]
        named = self.value(naming[0].value, reader)
        if not isinstance(named, NamedRecipe):
            if named is not MISTAKEN:
                fields = {"given": describe_value(named), "expected": reader.expected}
                self.report(codes.WRONG_ARGUMENT, naming[0].span, name="recipe",
                            callee=Recipe.name, fields=fields)  # fmt: skip
            return None
        base = read_recipe(named.settings, named.name, self.registry)
        names = [a.name.text for a in rest if a.name is not None and a.name.text in readers]
        given = {name: getattr(made, name) for name in names}
        return replace(base, recipe=named, **given)

    def value(self, node: tree.Node, reader: Reader) -> Any:
        """A value for a setting: a word, a record of a table, a list of them, or a constant."""
        if isinstance(reader, SettingReader):
            return self.setting(node, reader)
        if isinstance(node, tree.Name) and (node.text in reader.words or isinstance(reader, OneOf)):
            return node.text  # of another word, the reader says what there is
        return self.constant(node)

    def text(self, argument: tree.Argument, reader: Reader, key: str, callee: str) -> Any:
        """The value of an argument; where it is a text that lacks its quotation marks, that is
        the one mistake."""
        found = len(self.found)
        value = self.value(argument.value, reader)
        if value is MISTAKEN and isinstance(reader, (TextReader, TextsReader)):
            written = argument.value.span.text
            if '"' not in written:
                del self.found[found:]
                self.report(codes.WRONG_ARGUMENT, argument.span, name=key, callee=callee,
                            help=[f'write it in quotation marks: `"{written}"`'],
                            given=f"`{written}`", expected=reader.expected)  # fmt: skip
        return value

    def setting(self, node: tree.Node, reader: SettingReader) -> Any:
        table = TABLES.get(reader.table) or self.registry.group(reader.table)
        if isinstance(node, tree.ListOf):
            made = tuple(self.setting(item, reader) for item in node.items)
            return MISTAKEN if MISTAKEN in made else made
        arguments: tuple[tree.Argument, ...] = ()
        if isinstance(node, tree.Name):
            name = node.text
        elif isinstance(node, tree.Call):
            name, arguments = node.callee.text, node.arguments
        else:
            return self.constant(node)
        if name not in table:
            own = [] if reader.table in TABLES else [OWN]
            help = did_you_mean(name, table, _synonyms(table)) or [known(table), *own]
            what = reader.table.removesuffix("s")
            self.report(codes.NO_SUCH_SETTING, node.span, help=help, what=what, name=name)
            return MISTAKEN
        made_one = self.make(table[name], arguments, node.span)
        return MISTAKEN if made_one is None else made_one

    def read_named(
        self, node: search_tree.Named, table: Mapping[str, type[Setting]], what: str
    ) -> Any:
        """A record of a table, or the data of a package; nothing where there is a mistake."""
        name = node.name.text
        if name not in table:
            installed = [p.name for p in entry_points(group=DATA_GROUP)] if what == "data" else []
            if name in installed:
                given = tuple(
                    (a.name.text if a.name else "", self.constant(a.value)) for a in node.arguments
                )
                return PluginData(name, given)
            there = [*table, *installed]
            own = [OWN] if what == "data" else []
            help = did_you_mean(name, there, _synonyms(table)) or [known(there), *own]
            self.report(codes.NO_SUCH_SETTING, node.name.span, help=help, what=what, name=name)
            return None
        return self.make(table[name], node.arguments, node.name.span)

    def constant(self, node: tree.Node) -> Any:
        found = len(self.found)
        value = self.compiler.constant(node, self.scope)
        return MISTAKEN if len(self.found) > found else value

    def whole(
        self,
        node: tree.Node | None,
        default: int,
        name: str,
        callee: str = "search",
        limit: int | None = None,
        least: int = 1,
    ) -> int:
        """A whole number, a positive one unless ``least`` says less; ``name`` of ``callee`` is what
        it is for."""
        if node is None:
            return default
        value = self.constant(node)
        if type(value) is not int or value < least or (limit is not None and value > limit):
            if value is not MISTAKEN:
                wrong = {"name": name, "callee": callee, "given": describe_value(value)}
                most = "" if limit is None else f", at most {limit:,}"
                wrong["expected"] = f"a positive whole number{most}"
                self.report(codes.WRONG_ARGUMENT, node.span, fields=wrong)
            return default
        return value


def read_data(text: str, place: str = "--data", registry: Registry = REGISTRY) -> Data:
    """The data of a text: ``fashion_mnist(train = 5000)``, or a folder of pictures by its path.
    ``place`` is what errors call it.

    Raises ``ArchError`` with every mistake.
    """
    if is_folder(text, registry):
        masked = any(
            all((folder / name).is_dir() for name in MASKED)
            for folder in (Path(text), Path(text, "train"))
        )
        return MaskFolder(text) if masked else ImageFolder(text)
    try:
        records, node = _statement("data", text, place, registry)
        data: Data | None = records.read_named(node, registry.data, "data")
        if data is None or records.found:
            raise ArchError(records.found)
    except ArchError as error:
        path, (first, *_) = text.strip(), error.diagnostics
        near = named_like(Path(path)) if path.isidentifier() else []
        if said := of_data_file(path) if '"' not in path else "":
            help: tuple[str, ...] = (said,)
        elif near:
            help = (*near, *first.help)
        elif "/" in path and "(" not in path and not Path(path).exists():
            raise missing(path, "there is no such folder", [Path(path)]) from None
        else:
            raise
        raise ArchError([replace(first, help=help)]) from None
    return data


def is_folder(text: str, registry: Registry = REGISTRY) -> bool:
    """Whether a text names data by the path of a folder alone."""
    return bool(text.strip()) and text not in registry.data and Path(text).is_dir()


def read_recipe(text: str, place: str = "--recipe", registry: Registry = REGISTRY) -> Recipe:
    """The recipe of a text: ``epochs = 5, lr = 0.1``; an empty one leaves all as it is. The name
    of a recipe may stand first: ``cifar_strong, epochs = 5``.

    Raises ``ArchError`` with every mistake.
    """
    if not text.strip():
        return Recipe()
    first = text.partition(",")[0].strip()
    known = {parameter.name for parameter in signature(Recipe)}
    word = "train recipe =" if first.isidentifier() and first not in known else "train"
    records, node = _statement(word, text, place, registry)
    recipe = records.recipe(node.settings, node.span)
    if recipe is None or records.found:
        raise ArchError(records.found)
    return recipe


def _statement(word: str, text: str, place: str, registry: Registry) -> tuple[Records, Any]:
    """The one statement that a text is, after the words that it has in a .search file."""
    file = parsed(Typed(place, f"{word} {text}", lead=len(word) + 1), registry)
    if len(file.statements) > 1:
        what = word.split()[0]
        raise ArchError([diagnose(codes.SAID_TWICE, file.statements[1].span, what=what)])
    return Records(file, registry), file.statements[0]


def parsed(source: Source, registry: Registry) -> tree.File:
    """The tree of a search. Raises ``ArchError``; a recipe that is named where a setting has to
    stand is told how it is named."""
    try:
        return parse(source, SEARCH)
    except ArchError as error:
        raise ArchError([_with_recipe(d, registry) for d in error.diagnostics]) from None


def _with_recipe(problem: Diagnostic, registry: Registry) -> Diagnostic:
    span = problem.span
    if span is None or problem.kind not in SYNTAX:
        return problem
    text = span.source.text
    line = text[text.rfind("\n", 0, span.start) + 1 :].partition("\n")[0].strip()
    rest = _NAMES.sub("", line.removeprefix("train")) if line.startswith("train") else ""
    named = [word for word in re.findall(r"\w+", rest) if word in registry.recipes]
    if not named:
        return problem
    help = f"a recipe is taken by its name, settings after it: `recipe = {named[0]}, epochs = 5`"
    return replace(problem, help=(help,))


SYNTAX = (codes.UNEXPECTED, codes.LINE_ENDS_EARLY, codes.FILE_ENDS_EARLY)
_NAMES = re.compile(r"\brecipe\s*=\s*\w+")  # of recipes, named as they have to be


def known(names: Iterable[str]) -> str:
    """What there is to choose from."""
    listed = list(names)
    return f"there {'is' if len(listed) == 1 else 'are'} {', '.join(listed)}"


def _synonyms(table: Mapping[str, type[Setting]]) -> dict[str, str]:
    """What the records of a table are called elsewhere."""
    return {word: name for name, cls in table.items() for word in cls.synonyms}


def describe_value(value: Any) -> str:
    return f"`{value.name}`" if isinstance(value, Setting) else describe(value)


def _no_files(path: str, place: Span) -> tree.File:
    raise AssertionError("a search uses no files")

"""Diagnostics for tools: plain JSON, and SARIF 2.1.0."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from archdsl.diagnostics.model import Diagnostic, Label
from archdsl.diagnostics.render import where
from archdsl.diagnostics.source import Span


def to_dict(d: Diagnostic) -> dict[str, Any]:
    """A diagnostic as JSON values; lines and columns count from 1."""
    return {
        "code": d.code,
        "severity": d.kind.severity,
        "message": d.message,
        "labels": [{"text": label.text, **_place(label.span)} for label in d.labels],
        "trail": [
            {"name": f.name, "arguments": dict(f.arguments), **_place(f.span)} for f in d.trail
        ],
        "knobs": dict(d.knobs),
        "notes": list(d.notes),
        "help": list(d.helps),
    }


def _place(span: Span) -> dict[str, Any]:
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return {
        "file": span.source.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }


def to_sarif(diagnostics: Iterable[Diagnostic], version: str) -> dict[str, Any]:
    """A SARIF log of one run, for editors and code review."""
    found = list(diagnostics)
    kinds = {d.code: d.kind for d in sorted(found, key=lambda d: d.code)}
    rules = [
        {
            "id": code,
            "shortDescription": {"text": kind.template},
            "fullDescription": {"text": kind.page},
        }
        for code, kind in kinds.items()
    ]
    driver = {"name": "archdsl", "version": version, "rules": rules}
    results = [_result(d, list(kinds).index(d.code)) for d in found]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _result(d: Diagnostic, rule: int) -> dict[str, Any]:
    lines = [d.message, where(d), *d.notes, *(f"help: {h}" for h in d.helps)]
    result: dict[str, Any] = {
        "ruleId": d.code,
        "ruleIndex": rule,
        "level": d.kind.severity,
        "message": {"text": "\n".join(line for line in lines if line)},
    }
    if d.labels:
        result["locations"] = [_location(d.labels[0])]
    if d.labels[1:]:
        result["relatedLocations"] = [_location(label) for label in d.labels[1:]]
    return result


def _location(label: Label) -> dict[str, Any]:
    place = _place(label.span)
    empty = label.span.start == label.span.end
    found: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(place["file"], errors="surrogatepass")},
            "region": {
                "startLine": place["line"],
                "startColumn": place["column"],
                "endLine": place["end_line"],
                "endColumn": place["end_column"] + empty,
            },
        }
    }
    if label.text:
        found["message"] = {"text": label.text}
    return found

"""Every code that the evidence judge can give is declared, and none is declared that it cannot give."""

from __future__ import annotations

import ast
from pathlib import Path

import editloop.judges.evidence as evidence
from editloop.judges.evidence.reasons import REJECT_REASONS

CHECKS = {"check", "Finding"}


def test_declared_reasons_are_the_reasons_given() -> None:
    found = set()
    for file in Path(evidence.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            codes = [n for n in ast.walk(node.args[0]) if isinstance(n, ast.Constant)]
            if name in CHECKS:
                found |= {code.value for code in codes if isinstance(code.value, str)}
    assert found == set(REJECT_REASONS)

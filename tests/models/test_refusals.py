"""Every reason that a procedural operation can give is declared, and none is declared that cannot be given."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import editloop.models.editors.procedural as procedural
from editloop.models.editors.procedural.refusals import REFUSAL_REASONS


def reasons_given(tree: ast.Module) -> Iterator[object]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "BadInputError":
            yield from (arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant))
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if getattr(target, "id", "").endswith("REFUSALS"):
                yield from (k.value for k in node.value.keys if isinstance(k, ast.Constant))


def test_declared_reasons_are_the_reasons_given() -> None:
    folder = Path(procedural.__path__[0])
    found = {
        reason
        for file in folder.glob("*.py")
        for reason in reasons_given(ast.parse(file.read_text("utf-8")))
    }
    assert found == set(REFUSAL_REASONS)

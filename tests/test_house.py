"""Promises about the repository as a whole: a break here is a bug that a user would meet."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import editloop

REPOSITORY = Path(__file__).parents[1]
SOURCE = REPOSITORY / "src" / "editloop"
MODULES = sorted(SOURCE.rglob("*.py"))
EXAMPLES = sorted((REPOSITORY / "examples").glob("*.py"))
LAZY_ENTRY = re.compile(r"editloop(\.\w+)+:\w+")

PROBE = """
import json, sys, resource
import editloop.cli.app
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"modules": sorted(sys.modules), "cpu_s": used.ru_utime + used.ru_stime}))
"""


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def string_constants(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.fixture(scope="module")
def command_line_import() -> dict[str, object]:
    """What importing the command line loads and costs, in a fresh interpreter (the second of two: warm files)."""
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, timeout=60
        )
    loaded: dict[str, object] = json.loads(done.stdout)
    return loaded


@pytest.mark.parametrize(
    "heavy",
    [
        "torch",
        "numpy",
        "PIL",
        "cv2",
        "onnxruntime",
        "duckdb",
        "pyarrow",
        "jinja2",
        "scipy",
        "pandas",
    ],
)
def test_the_command_line_starts_without(
    heavy: str, command_line_import: dict[str, object]
) -> None:
    assert heavy not in command_line_import["modules"]


def test_the_command_line_starts_in_half_a_second(command_line_import: dict[str, object]) -> None:
    assert command_line_import["cpu_s"] < 0.5


def test_importing_the_package_alone_loads_none_of_its_parts() -> None:
    code = "import sys, editloop; print([m for m in sys.modules if m.startswith('editloop.')])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_public_names_are_sorted_and_importable() -> None:
    assert sorted(editloop.__all__) == list(editloop.__all__)
    for name in editloop.__all__:
        assert getattr(editloop, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = editloop.Nothing


def test_the_version_is_said_once() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == editloop.__version__


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_every_declared_name_exists(path: Path) -> None:
    module = importlib.import_module(module_name(path))
    for name in getattr(module, "__all__", []):
        assert hasattr(module, name), f"{module.__name__} exports {name}, which it does not have"


def test_every_registry_string_resolves() -> None:
    entries = {
        text for path in MODULES for text in string_constants(path) if LAZY_ENTRY.fullmatch(text)
    }
    for entry in sorted(entries):
        module, _, attribute = entry.partition(":")
        assert hasattr(importlib.import_module(module), attribute), entry


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_no_module_is_unfinished_or_undocumented(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", text)
    assert ast.get_docstring(ast.parse(text)), "a module says what it is for"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_nothing_unpickles(path: Path) -> None:
    banned = {"pickle", "dill", "cloudpickle", "shelve", "marshal"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            imported = [node.module]
        assert not banned & {name.partition(".")[0] for name in imported}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_runs(path: Path, tmp_path: Path) -> None:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip(), "an example shows something"


def test_constraints_name_exact_versions_only() -> None:
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert pins
    for pin in pins:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+", pin), pin

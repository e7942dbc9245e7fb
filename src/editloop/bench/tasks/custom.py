"""Your own benchmark: a folder of images and a file of rows, scored by any judge whose scale you name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

from editloop.bench.cases import BenchCase, CaseSet, read_rows
from editloop.bench.results import ItemScore
from editloop.bench.tasks.base import Cap, Task, of_readings
from editloop.bench.tasks.imgedit import value_as_score
from editloop.core.errors import UsageError
from editloop.judges.parsing import Axis, read_axes
from editloop.judges.parsing.protocols import SCORE

KEYS_OF_GROUP: Final = ("edit_type", "type", "task", "task_type", "category", "group", "kind")
KEYS_OF_WORDS: Final = ("instruction", "prompt", "edit_prompt", "edit")
KEYS_OF_IMAGE: Final = ("image", "source", "source_image", "id", "input_image", "file")
KEYS_OF_REFERENCES: Final = ("references", "reference_images", "reference", "reference_image")
FILES: Final = ("cases.jsonl", "cases.json", "cases.csv", "metadata.jsonl")
AXES: Final = (
    Axis("instruction", ("Instruction Following", "Prompt Compliance", "adherence")),
    Axis("preservation", ("Content Preservation", "consistency", "unchanged")),
    Axis("quality", ("Image Quality", "naturalness", "Visual Quality")),
)


class CustomBench(Task):
    """Rows with a key, an instruction, an image and, if you like, a type and `references`; replies on 1 to 5, one score or three axes.

    A reply with all of ``instruction``, ``preservation`` and ``quality`` counts with their mean, else its one ``score``.
    """

    name = "custom"
    title = "Custom benchmark"
    version = "1"
    scales: ClassVar[Mapping[str, tuple[float, float]]] = {"score": (1.0, 5.0)}
    protocols = ("robust",)

    def read_cases(self, path: Path) -> CaseSet:
        """A file of rows (JSON, JSON lines, CSV), or a folder that holds one called ``cases`` or ``metadata``.

        Raises:
            UsageError: no such file, or no usable row in it.
        """
        dropped = Counter[str]()
        cases = rows_as_cases(case_file(path), dropped)
        if not cases:
            raise UsageError(
                f"{path} holds no cases: expected rows with a key, an instruction and an image, for example "
                '{"key": "1", "instruction": "Add a hat.", "image": "1.jpg", "type": "add"}'
            )
        return CaseSet(tuple(cases), dropped)

    def robust_item(self, case: BenchCase, texts: Sequence[str], cap: Cap) -> ItemScore:
        """Three axes where a reply has them all, else one score."""
        del cap  # nothing to cap
        scale = self.scales["score"]
        readings = []
        for text in texts:
            three = read_axes(text, AXES, scale)
            one = three if three.scored else read_axes(text, (SCORE,), scale)
            readings.append(
                one if one.scored or three.reason in ("no_score", "missing_axes") else three
            )
        return of_readings(case, readings, value_as_score, self.headline)


def case_file(path: Path) -> Path:
    """The file of cases in a folder, or `path` itself.

    Raises:
        UsageError: the folder has none.
    """
    if not path.is_dir():
        return path
    found = next((path / name for name in FILES if (path / name).is_file()), None)
    if found is None:
        raise UsageError(f"{path} holds none of {', '.join(FILES)}: name the file of cases instead")
    return found


def rows_as_cases(path: Path, dropped: Counter[str]) -> list[BenchCase]:
    """Cases of the rows of a file; rows that cannot be used are counted in `dropped` by reason."""
    cases: dict[str, BenchCase] = {}
    for key, row in read_rows(path):
        words, image = first_of(row, KEYS_OF_WORDS), first_of(row, KEYS_OF_IMAGE)
        name = key or Path(image).stem
        if not name or not words:
            dropped["no key or instruction"] += 1
        elif name in cases:
            dropped["a key that stands there twice"] += 1
        else:
            cases[name] = BenchCase(
                name,
                first_of(row, KEYS_OF_GROUP),
                (words,),
                image,
                str(row.get("language") or ""),
                references=references_of(row),
            )
    return list(cases.values())


def references_of(row: Mapping[str, object]) -> tuple[str, ...]:
    """Names of the reference images of a row: a list, or text, in which ``;`` separates several (CSV)."""
    given = next((row[name] for name in KEYS_OF_REFERENCES if row.get(name)), ())
    names = given.split(";") if isinstance(given, str) else given
    if not isinstance(names, list | tuple):
        return ()
    return tuple(name.strip() for name in map(str, names) if name.strip())


def first_of(row: Mapping[str, object], names: Sequence[str]) -> str:
    """The first of the fields `names` that is filled, as text; empty when none is."""
    return next((str(row[name]) for name in names if row.get(name) not in (None, "")), "")

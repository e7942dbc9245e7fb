"""The recipes of Real-Edit, RealPref-Bench and ImgEdit-Bench, from photographs: official files, and a file for people to check."""

from __future__ import annotations

import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from editloop.bench.building.choosing import TEXTURE, Candidate, candidates, choose, even_photos
from editloop.bench.building.facts import PhotoFacts
from editloop.bench.reference import IMGEDIT_COUNTS
from editloop.core.errors import UsageError
from editloop.records.rating import Rating
from editloop.records.taxonomy import PAPER_NAMES, EditType, from_paper_name, paper_name
from editloop.store.runs import write_atomically

Recipe = Literal["imgedit", "real-edit", "realpref"]
RECIPES: Final[tuple[Recipe, ...]] = ("imgedit", "real-edit", "realpref")
IMAGES: Final = "images"
VERIFY_FILE: Final = "verify.jsonl"
GUIDELINES_FILE: Final = "guidelines.txt"
GUIDELINES: Final = (
    "Both pictures are the same: nobody has edited them yet.\n\n"
    "Rate the instruction. High: it is clear, the thing that it speaks of is there and is the only one of its kind, and a good "
    "editor could do it on this photograph. Low: it makes no sense here, or nobody could tell whether it was done."
)
REAL_EDIT_TYPES: Final[Mapping[str, str]] = {
    "Local": EditType.REPLACE,
    "Remove": EditType.REMOVE,
    "Add": EditType.ADD,
    "Texture": TEXTURE,
    "Background": EditType.BACKGROUND,
    "Global": EditType.TONE,
    "Style": EditType.STYLE,
}


@dataclass(frozen=True, slots=True)
class Built:
    """What a recipe made.

    Args:
        cases: Official file of the cases.
        counts: Group -> cases.
        short: Group -> cases that were wanted and not found.
        photos: Photographs used, of those that were usable.
        usable: Photographs usable.
        dropped: Reason -> photographs left out.
    """

    cases: Path
    counts: Mapping[str, int]
    short: Mapping[str, int]
    photos: int
    usable: int
    dropped: Mapping[str, int]


def build(
    recipe: Recipe,
    photos: Sequence[PhotoFacts],
    out: Path,
    size: int,
    *,
    seed: int = 0,
    dropped: Mapping[str, int] | None = None,
) -> Built:
    """Choose, word and write.

    Args:
        recipe: Whose.
        photos: As `read_photos` gives them.
        out: Folder of the benchmark.
        size: ImgEdit: cases in all, in the proportions of the released 737. RealPref: cases a task. Real-Edit: photographs, each
            with seven instructions.
        seed: Of every choice.
        dropped: Photographs left out before.

    Raises:
        UsageError: no photograph allows a case.
    """
    writer, quotas, chosen_from = _recipe(recipe, photos, size, seed)
    chosen, short = choose(chosen_from, quotas, seed)
    if not chosen:
        raise UsageError(
            f"none of {len(photos)} photographs allows an instruction of {recipe}: add photographs with nameable objects"
        )
    for photo in {one.photo.name: one.photo for one in chosen}.values():
        target = out / IMAGES / photo.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(photo.path, target)
    rows, cases = writer(chosen, out)
    _write_verification(rows, out)
    counts = Counter(group for _, group, _ in rows)
    names = {kind: group for group, kind in _groups(recipe).items()}
    return Built(
        cases,
        dict(counts),
        {names[kind]: count for kind, count in short.items()},
        len({one.photo.name for one in chosen}),
        len(photos),
        dict(dropped or {}),
    )


Row = tuple[str, str, Candidate]
"""Key, group and case."""
Writer = Callable[[Sequence[Candidate], Path], tuple[list[Row], Path]]


def _recipe(
    recipe: Recipe, photos: Sequence[PhotoFacts], size: int, seed: int
) -> tuple[Writer, dict[str, int], Sequence[PhotoFacts]]:
    kinds = list(_groups(recipe).values())
    if recipe == "real-edit":
        chosen = _most_able(photos, kinds, size, seed)
        return _write_real_edit, dict.fromkeys(kinds, len(chosen)), chosen
    if recipe == "realpref":
        return _write_realpref, dict.fromkeys(kinds, size), photos
    total = sum(IMGEDIT_COUNTS.values())
    quotas = {
        str(from_paper_name("imgedit", name)): max(1, round(size * count / total))
        for name, count in IMGEDIT_COUNTS.items()
    }
    return _write_imgedit, quotas, photos


def _most_able(
    photos: Sequence[PhotoFacts], kinds: Sequence[str], size: int, seed: int
) -> list[PhotoFacts]:
    """Photographs that allow the most kinds first; among equals evenly over categories."""
    tiers: defaultdict[int, list[PhotoFacts]] = defaultdict(list)
    for one in photos:
        tiers[sum(any(candidates(one, kind, seed)) for kind in kinds)].append(one)
    chosen: list[PhotoFacts] = []
    for count in sorted(tiers, reverse=True):
        chosen += even_photos(tiers[count], size - len(chosen), seed)
    return chosen


def _groups(recipe: Recipe) -> dict[str, str]:
    """The benchmark's name of a group -> kind."""
    if recipe == "real-edit":
        return dict(REAL_EDIT_TYPES)
    if recipe == "realpref":
        return {names[0]: str(kind) for kind, names in PAPER_NAMES["hp_edit"].items()}
    return {name: str(from_paper_name("imgedit", name)) for name in IMGEDIT_COUNTS}


def _write_imgedit(chosen: Sequence[Candidate], out: Path) -> tuple[list[Row], Path]:
    rows = [
        (str(place), paper_name("imgedit", EditType(one.kind)) or one.kind, one)
        for place, one in enumerate(chosen, 1)
    ]
    content = {
        key: {"id": f"{IMAGES}/{one.photo.name}", "prompt": one.instruction, "edit_type": group}
        for key, group, one in rows
    }
    return rows, _write_json(out / "basic_edit.json", content)


def _write_real_edit(chosen: Sequence[Candidate], out: Path) -> tuple[list[Row], Path]:
    names = {kind: group for group, kind in REAL_EDIT_TYPES.items()}
    lines: defaultdict[str, list[Candidate]] = defaultdict(list)
    for one in sorted(chosen, key=lambda one: list(REAL_EDIT_TYPES.values()).index(one.kind)):
        lines[f"{IMAGES}/{one.photo.name}"].append(one)
    rows = [
        (f"{image}#{place}", names[one.kind], one)
        for image, many in lines.items()
        for place, one in enumerate(many)
    ]
    content = {
        image: [
            f"{names[one.kind]}. {place + 1}: {one.instruction}" for place, one in enumerate(many)
        ]
        for image, many in lines.items()
    }
    return rows, _write_json(out / "real_edit_instruct.json", content)


def _write_realpref(chosen: Sequence[Candidate], out: Path) -> tuple[list[Row], Path]:
    rows = [
        (f"{place:05}", paper_name("hp_edit", EditType(one.kind)) or one.kind, one)
        for place, one in enumerate(chosen, 1)
    ]
    content = [
        {"key": key, "task": group, "instruction": one.instruction, "image": f"{IMAGES}/{one.photo.name}", "category": one.category}
        for key, group, one in rows
    ]  # fmt: skip
    return rows, _write_json(out / "realpref_cases.json", content)


def _write_verification(rows: Sequence[Row], out: Path) -> None:
    """A table for the rating page: every instruction beside its photograph."""
    lines = [
        json.dumps(
            {
                "case_key": key,
                "group": group,
                "category": one.category,
                "instruction": one.instruction,
                "source": f"{IMAGES}/{one.photo.name}",
                "edited": f"{IMAGES}/{one.photo.name}",
            }
        )
        for key, group, one in rows
    ]
    write_atomically(out / VERIFY_FILE, ("\n".join(lines) + "\n").encode())
    write_atomically(out / GUIDELINES_FILE, GUIDELINES.encode())


def keep_verified(cases: Path, ratings: Path, out: Path, least: float = 3.0) -> dict[str, int]:
    """Write the cases that people found good enough; those that nobody rated are left out and counted.

    Args:
        cases: File that `build` wrote.
        ratings: What ``editloop rate ... --export FILE.jsonl`` wrote.
        out: File to write, in the layout of `cases`.
        least: Least mean rating.

    Raises:
        UsageError: a file cannot be read, or no case would be left.
    """
    means = _means(ratings)
    content = json.loads(cases.read_bytes())
    counts: Counter[str] = Counter()

    def good(key: str) -> bool:
        verdict = "unrated" if key not in means else ("kept" if means[key] >= least else "rejected")
        counts[verdict] += 1
        return verdict == "kept"

    if isinstance(content, list):
        kept: object = [row for row in content if good(str(row["key"]))]
    elif all(isinstance(entry, list) for entry in content.values()):
        lines = {
            image: [line for place, line in enumerate(many) if good(f"{image}#{place}")]
            for image, many in content.items()
        }
        kept = {image: many for image, many in lines.items() if many}
    else:
        kept = {key: entry for key, entry in content.items() if good(key)}
    if not kept:
        raise UsageError(
            f"no case of {cases.name} has a mean rating of at least {least:g} in {ratings.name}: {dict(counts)}"
        )
    _write_json(out, kept)
    return dict(counts)


def _means(ratings: Path) -> dict[str, float]:
    found: dict[str, list[Rating]] = {}
    try:
        rows = [json.loads(line) for line in ratings.read_text("utf-8").splitlines() if line]
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the ratings {ratings}: {error}") from error
    for row in rows:
        for given in row.get("ratings", []):
            for axis, score in given.items():
                if isinstance(score, int | float) and not isinstance(score, bool):
                    rating = Rating(str(row.get("case_key")), str(given.get("rater")), axis, score)
                    found.setdefault(rating.item, []).append(rating)
    return {key: sum(r.score for r in many) / len(many) for key, many in found.items()}


def _write_json(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(content, indent=1, ensure_ascii=False).encode())
    return path

"""What ImgEdit publishes beside its images: ratings by GPT-4o, and captions with regions and masks.

The rating files (`judge_2scores.json` beside a sample, `all_dataset_gpt_score.json` for all) hold free text that should
carry two scores and sometimes carries one or none; the reader keeps what is there and the whole text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from editloop.core.errors import BadInputError
from editloop.records.formats.rle import decode_mask
from editloop.records.record import Box
from editloop.records.verdict import Outcome, Verdict

AXES = ("instruction_following", "naturalness")
SCALE = (1.0, 5.0)
_ROLES: tuple[Literal["object", "background"], ...] = ("object", "background")
_NAMED_SCORE = re.compile(r"score\s*([12])\W{0,8}?([1-5](?:\.\d+)?)(?!\d)", re.IGNORECASE)
_LONE_SCORE = re.compile(r"^[^\d\n]*?[:=]\W{0,4}([1-5](?:\.\d+)?)(?:\s*/\s*5)?\W*$", re.MULTILINE)
_OBJECTS_MATCH = re.compile(r"objects?\s+match\W{0,8}(true|false|yes|no)", re.IGNORECASE)


def read_two_scores(text: str) -> Verdict:
    """The verdict in a rating text: two, one or no scores of 1 to 5, and whether the objects match."""
    named = {int(number): float(score) for number, score in _NAMED_SCORE.findall(text)}
    found = {number: score for number, score in named.items() if score <= SCALE[1]}
    if not named:
        found = {n: float(score) for n, score in enumerate(_LONE_SCORE.findall(text)[:2], start=1)}
    match = _OBJECTS_MATCH.search(text)
    return Verdict(
        judge="imgedit:gpt-4o",
        judge_version="released",
        scale=SCALE,
        axes={AXES[number - 1]: score for number, score in sorted(found.items())},
        flags={"objects_match": match[1].lower() in {"true", "yes"}} if match else {},
        outcome=Outcome.SCORED if found else Outcome.UNPARSABLE,
        raw_reply=text,
    )


def two_scores_text(verdict: Verdict) -> str | None:
    """A rating text for a verdict on ImgEdit's scale with at least one axis, else None."""
    if verdict.scale != SCALE or not verdict.axes:
        return None
    names = AXES if verdict.axes.keys() <= set(AXES) else tuple(verdict.axes)[: len(AXES)]
    lines = [f"Brief reasoning: {'; '.join(verdict.reasons) or 'none given'}"]
    lines += [
        f"Score {number}: {verdict.axes[name]:g}"
        for number, name in enumerate(names, start=1)
        if name in verdict.axes
    ]
    if "objects_match" in verdict.flags:
        lines.append(f"Objects match: {verdict.flags['objects_match']}")
    return "\n".join(lines)


def read_gpt_scores(path: Path) -> Iterator[tuple[str, Verdict]]:
    """Sample key and verdict of every rating in one file: a single sample's, or the collected one."""
    content = json.loads(path.read_bytes())
    if isinstance(content, dict) and "score" in content:
        content = {str(content.get("folder", path.parent.name)): content}
    entries = content.items() if isinstance(content, dict) else _numbered(content)
    for key, entry in entries:
        text = entry.get("score", "") if isinstance(entry, dict) else entry
        yield str(key), read_two_scores(text if isinstance(text, str) else json.dumps(text))


def _numbered(entries: list[Any]) -> Iterator[tuple[str, Any]]:
    for number, entry in enumerate(entries):
        key = entry.get("folder", number) if isinstance(entry, dict) else number
        yield str(key), entry


class AnnotatedRegion(BaseModel):
    """A region of a recaptioned photograph; scores are the detector's, CLIP's and the aesthetic model's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["object", "background"]
    label: str
    box: Box
    rle: str | tuple[int, ...] = ""
    score: float | None = None
    similarity: float | None = None
    aesthetic: float | None = None

    def mask(self, height: int, width: int) -> NDArray[np.bool_]:
        """The region's mask, True inside, of shape (height, width).

        Raises:
            BadInputError: `bad_mask`.
        """
        return decode_mask(self.rle, height, width)


class AnnotatedPhoto(BaseModel):
    """One entry of the recaption and segmentation files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    captions: tuple[str, ...]
    width: int
    height: int
    aesthetic: float | None = None
    summary: str = ""
    objects: tuple[str, ...] = ()
    backgrounds: tuple[str, ...] = ()
    regions: tuple[AnnotatedRegion, ...] = ()


def read_recaptions(path: Path) -> Iterator[AnnotatedPhoto]:
    """Every entry of a recaption file: a JSON object, an array, or one object a line.

    Raises:
        BadInputError: `bad_annotation`, naming the entry.
    """
    text = path.read_text("utf-8")
    try:
        content = json.loads(text)
        entries = content if isinstance(content, list) else [content]
    except json.JSONDecodeError:
        entries = [json.loads(line) for line in text.splitlines() if line.strip()]
    for number, entry in enumerate(entries):
        try:
            yield _photo(entry)
        except (KeyError, TypeError, ValueError) as error:
            raise BadInputError(
                "bad_annotation", f"{path.name}, entry {number}: {error}"
            ) from error


def _photo(entry: dict[str, Any]) -> AnnotatedPhoto:
    caption, tags = entry.get("cap", []), entry.get("tags", {})
    found = entry.get("segmentation", {})
    regions = [region_of(region, role) for role in _ROLES for region in found.get(role, [])]
    return AnnotatedPhoto(
        path=entry["path"],
        captions=(caption,) if isinstance(caption, str) else tuple(caption),
        width=entry["resolution"]["width"],
        height=entry["resolution"]["height"],
        aesthetic=entry.get("aes"),
        summary=tags.get("summary", ""),
        objects=tuple(tags.get("object", [])),
        backgrounds=tuple(tags.get("background", [])),
        regions=tuple(region for region in regions if region),
    )


def region_of(
    region: dict[str, Any], role: Literal["object", "background"]
) -> AnnotatedRegion | None:
    """A region, or None when its score is a list of other than one number, which the release's own script rejects."""
    score = region.get("score")
    if isinstance(score, list):
        if len(score) != 1:
            return None
        score = score[0]
    left, top, right, bottom = (round(edge) for edge in region["bbox"])
    mask = region.get("mask") or ""
    counts = mask.get("counts", "") if isinstance(mask, dict) else mask
    return AnnotatedRegion(
        role=role,
        label=region["class_name"],
        box=Box(left=left, top=top, right=right, bottom=bottom),
        rle=counts if isinstance(counts, str) else tuple(counts),
        score=score,
        similarity=region.get("clip_score"),
        aesthetic=region.get("aes_score"),
    )

"""Reads the kept replies of a folder of verdicts again, offline: by the published scripts' rules, or by ours."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from editloop.core.errors import UsageError
from editloop.judges.kept.folder import VERDICTS, replace_file
from editloop.judges.kept.summary import Summary, summarised
from editloop.judges.panel.judge import How, members_of, merged_verdict
from editloop.judges.parsing.reading import ReadingMode
from editloop.judges.vlm.judge import decision
from editloop.judges.vlm.replies import kept_replies
from editloop.judges.vlm.scoring import scores_of
from editloop.records.verdict import Verdict

YES_NO: Final = "yes_no:"
RESCORED: Final = "rescored-{}.jsonl"


@dataclass(frozen=True, slots=True)
class Rescored:
    """What reading again gave.

    Args:
        before: The verdicts as they were kept.
        after: The same replies, read again.
        changed: Edits whose score or outcome differs.
        without_replies: Verdicts of judges that do not reply in words; they stay as they are.
        file: Where the new verdicts are.
    """

    before: Summary
    after: Summary
    changed: int
    without_replies: int
    file: Path

    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "before": self.before.as_json(),
            "after": self.after.as_json(),
            "changed": self.changed,
            "without_replies": self.without_replies,
            "file": self.file.name,
        }


def rescore(folder: Path, mode: ReadingMode) -> Rescored:
    """Read every kept reply in `folder` again; nothing is sent anywhere.

    Args:
        folder: Written by `judge_into`.
        mode: Whose rules. What no script was published for is read by ours either way.

    Raises:
        UsageError: the folder holds no verdicts, or a line of them is damaged.
        StoreError: the new verdicts cannot be written.
    """
    before: list[Mapping[str, Any]] = []
    after: list[Mapping[str, Any]] = []
    lines: list[str] = []
    changed = without = 0
    encode = json.JSONEncoder(ensure_ascii=False).encode
    for row in _rows(folder / VERDICTS):
        old = row["verdict"]
        new = _again(old, mode)
        without += new is None
        new = old if new is None else new
        changed += (new["outcome"], new["axes"]) != (old["outcome"], old["axes"])
        before.append(old)
        after.append(new)
        lines.append(encode({**row, "verdict": new}))
    file = folder / RESCORED.format(mode)
    replace_file(file, "\n".join(lines) + "\n")
    return Rescored(_summary(folder, before), _summary(folder, after), changed, without, file)


def _again(verdict: Mapping[str, Any], mode: ReadingMode) -> dict[str, Any] | None:
    panel = members_of(verdict.get("raw_reply"))
    if panel is not None:
        return _panel_again(verdict, *panel, mode)
    kept = kept_replies(verdict.get("raw_reply"))
    if kept is None:
        return None
    scores = scores_of(kept, mode)
    checks = dict.fromkeys(
        reply.reading.removeprefix(YES_NO)
        for reply in kept.replies
        if reply.reading.startswith(YES_NO)
    )
    accepted, reject_reason = decision(scores, [f"not_{check}" for check in checks])
    return {
        **verdict,
        "scale": list(scores.scale),
        "axes": scores.axes,
        "flags": scores.flags,
        "evidence": scores.evidence,
        "text": scores.text,
        "reasons": list(scores.reasons),
        "outcome": str(scores.outcome),
        "accepted": accepted,
        "reject_reason": reject_reason,
    }


def _panel_again(
    verdict: Mapping[str, Any], how: How, members: Sequence[Mapping[str, Any]], mode: ReadingMode
) -> dict[str, Any] | None:
    again = [_again(member, mode) for member in members]
    if all(one is None for one in again):
        return None
    read = [Verdict.model_validate(new or old) for new, old in zip(again, members, strict=True)]
    merged = merged_verdict(read, how, str(verdict["judge"]), str(verdict["judge_version"]))
    return merged.model_dump(mode="json")


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"cannot read {path}: {error}; --rescore takes a folder that `editloop judge --out` wrote"
        ) from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            row["verdict"]["outcome"], row["verdict"]["axes"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise UsageError(f"{path}, line {number} is no verdict: {error!r}") from error
        yield row


def _summary(folder: Path, verdicts: list[Mapping[str, Any]]) -> Summary:
    first = verdicts[0] if verdicts else {}
    return summarised(
        folder.name,
        str(first.get("judge", "")),
        str(first.get("judge_version", "")),
        (
            (one["outcome"], one["axes"], one.get("evidence", {}), one.get("reasons", ()))
            for one in verdicts
        ),
    )

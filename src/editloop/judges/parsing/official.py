"""Replies as the published scripts read them, slips included (`parsing.slips` names and explains each).

These functions reproduce behaviour, not code: what is accepted, what is dropped, what is guessed, what would have
stopped the script. Where a script would have crashed the outcome is `FAILED`, because the item has no number there either.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

from editloop.judges.parsing.reading import Reading, mean, unread
from editloop.records.verdict import Outcome

VIE_DELIMITER: Final = "||V^=^V||"
_VIE_LIST = re.compile(r"\[\d+, ?\d+\]")
_KEY = re.compile(r"(\w+)(?=:)")
_MEMBER = re.compile(r'(".*?"):(.*?)(,|})')
_PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_PLAIN_WORD = re.compile(r"true|false|null", re.IGNORECASE)
_REAL_EDIT_SCORE = re.compile(r"'score': (\d+\.\d+)")
_VOTE = re.compile(r"\[\[.*\]\]")


def read_lines(reply: object, expected: int, scale: tuple[float, float] = (1.0, 5.0)) -> Reading:
    """ImgEdit's reading (basic and UGE): every line of the form ``text: digits`` counts, whatever the text.

    Args:
        reply: The raw reply.
        expected: Lines that the prompt asks for: 3, and 1 for UGE. It decides which slips are named, not what is read.
        scale: The prompt's scale; again only for the slips.

    Returns:
        Axes named by the text before the colon, in order; `value` is their mean, rounded to two digits.
    """
    if not isinstance(reply, str):
        return _crash("script_crash", "reply_not_text")
    axes: dict[str, float] = {}
    try:
        for line in reply.splitlines():
            before, colon, after = line.strip().partition(": ")
            if colon and ": " not in after and after.isdigit():
                axes[_free_name(before, axes)] = float(int(after))
    except (ValueError, OverflowError):
        return _crash("script_crash", "odd_digits_crash")
    if not axes:
        return Reading(Outcome.UNPARSABLE, reason="no_line", slips=("item_dropped",))
    return Reading(
        Outcome.SCORED,
        axes=axes,
        value=round(mean(axes), 2),
        slips=_line_slips(axes, expected, scale),
    )


def read_viescore(reply: object, expected: int = 2, guess: int | None = None) -> Reading:
    """VIEScore's reading, as GEdit-Bench uses it: delimiters, else the outermost braces, else a bare list or number.

    Args:
        reply: The raw reply.
        expected: Scores that the prompt asks for; it decides which slips are named.
        guess: On the second unreadable reply the script draws a number from 0 to 10 in place of the judge. None reads as on
            the first reply; a number (drawn by the caller, with a seed) reads as on the second.

    Returns:
        Axes ``score_1``, ``score_2``, ...; `value` is their minimum. Where that is NaN or infinite the reason is ``not_finite``:
        the script counts it, and all its means become NaN or infinite.
    """
    if not isinstance(reply, str):
        return _crash("script_crash", "reply_not_text")
    if reply == "rate_limit_exceeded":
        return unread("endpoint_error", outcome=Outcome.FAILED)
    try:
        body, slips = _vie_body(reply, guess)
    except ValueError:
        return _crash("script_crash", "odd_digits_crash")
    if body is None:
        return Reading(Outcome.UNPARSABLE, reason="no_json", slips=("asked_again",))
    try:
        whole, repaired = _vie_object(body)
    except (ValueError, RecursionError):
        return Reading(Outcome.UNPARSABLE, reason="no_json", slips=("asked_again",))
    return _vie_scores(whole, expected, (*slips, *(("json_repaired",) if repaired else ())))


def read_real_edit(reply: object, flag: str) -> Reading:
    """MRC's reading of one perspective: ``yes`` anywhere, and a score with single quotes and a decimal point.

    Args:
        reply: The raw reply.
        flag: Name of the perspective: ``following``, ``consistent`` or ``clear``.

    Returns:
        One axis, named as the flag. Without a readable score the flag is still there, since the script counts it before
        it fails: its yes-rate and its mean score have different denominators.
    """
    if not isinstance(reply, str):
        return unread("no_reply", outcome=Outcome.FAILED)
    flags = {flag: "yes" in reply}
    slips = ("yes_anywhere",) if flags[flag] and not re.search(r"['\"]yes['\"]", reply) else ()
    found = _REAL_EDIT_SCORE.search(reply)
    if found is None:
        return Reading(
            Outcome.UNPARSABLE, flags=flags, reason="no_score", slips=(*slips, "flag_without_score")
        )
    score = float(found[1])
    if not 0 <= score <= 5:
        slips = (*slips, "out_of_scale_counted")
    return Reading(Outcome.SCORED, axes={flag: score}, value=score, flags=flags, slips=slips)


def read_vote_label(reply: object) -> str | None:
    """GenAI-Bench's vote: all from the first ``[[`` to the last ``]]`` of the first line that has both, or None."""
    found = _VOTE.search(reply) if isinstance(reply, str) else None
    return found[0] if found else None


def _crash(reason: str, slip: str) -> Reading:
    return Reading(Outcome.FAILED, reason=reason, slips=(slip,))


def _free_name(name: str, taken: Mapping[str, float]) -> str:
    if name not in taken:
        return name
    return next(new for n in range(2, len(taken) + 3) if (new := f"{name} ({n})") not in taken)


def _line_slips(
    axes: Mapping[str, float], expected: int, scale: tuple[float, float]
) -> tuple[str, ...]:
    scores = list(axes.values())
    checks = {
        "axes_lost": len(axes) < expected,
        "extra_lines_counted": len(axes) > expected,
        "out_of_scale_counted": any(not scale[0] <= score <= scale[1] for score in scores),
        "cap_not_enforced": len(axes) == expected > 1 and max(scores[1:]) > scores[0],
    }
    return tuple(slip for slip, holds in checks.items() if holds)


def _vie_body(reply: str, guess: int | None) -> tuple[str | None, tuple[str, ...]]:
    """The text that the script takes for JSON, and the slips on the way.

    Raises:
        ValueError: a list of digits that are no JSON number (``[05, 3]``), which stops the script.
    """
    if reply.count(VIE_DELIMITER) == 2:
        return reply[
            reply.find(VIE_DELIMITER) + len(VIE_DELIMITER) : reply.rfind(VIE_DELIMITER)
        ], ()
    start, end = reply.find("{"), reply.rfind("}") + 1
    if start >= 0 and end > 0:
        return (reply[start:end] or None), ()
    listed = reply[reply.find("[") : reply.rfind("]") + 1] if "[" in reply else ""
    if guess is not None:
        slips = ("random_guess", *(("list_not_read",) if _VIE_LIST.fullmatch(listed) else ()))
        return json.dumps({"score": [guess]}), slips
    if _VIE_LIST.fullmatch(listed):
        return json.dumps({"score": json.loads(listed)}), ()
    try:
        number = int(reply)
    except ValueError:
        return None, ()
    return (json.dumps({"score": [number]}), ()) if 0 <= number <= 10 else (None, ())


def _vie_object(body: str) -> tuple[Any, bool]:
    """The parsed object, and whether it had to be repaired first.

    Raises:
        ValueError: when it is no JSON even then.
    """
    text = body.strip().replace("\n", "")
    try:
        whole = json.loads(text)
        given = whole["score"]
    except (ValueError, KeyError, TypeError):
        return json.loads(_repaired(text)), True
    whole["score"] = given if isinstance(given, list) else [given]
    return whole, False


def _repaired(text: str) -> str:
    """Keys in quotes, then every value of a member: a number becomes a list, a word stays, the rest is quoted again."""
    return _MEMBER.sub(_repaired_member, _KEY.sub(r'"\1"', text))


def _repaired_member(found: re.Match[str]) -> str:
    value = found[2].strip()
    if _PLAIN_NUMBER.fullmatch(value):
        value = f"[{value}]"
    elif not _PLAIN_WORD.fullmatch(value):
        value = f'"{value}"'
    return f"{found[1]}: {value}{found[3]}"


def _vie_scores(whole: Any, expected: int, slips: tuple[str, ...]) -> Reading:
    given = whole.get("score") if isinstance(whole, dict) else None
    if not isinstance(given, list) or not given or not all(_is_number(score) for score in given):
        return Reading(Outcome.FAILED, reason="script_crash", slips=(*slips, "scores_not_numbers"))
    scores = [_as_float(score) for score in given]
    if not math.isfinite(min(scores)):
        return Reading(Outcome.FAILED, reason="not_finite", slips=(*slips, "not_finite"))
    checks = {
        "wrong_count_counted": len(scores) != expected,
        "out_of_scale_counted": any(not 0 <= score <= 10 for score in scores),
    }
    return Reading(
        Outcome.SCORED,
        axes={
            f"score_{place}": score for place, score in enumerate(scores, 1) if math.isfinite(score)
        },
        value=min(scores),
        text=str(whole.get("reasoning") or ""),
        slips=(*slips, *(slip for slip, holds in checks.items() if holds)),
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)  # true counts as 1 there too


def _as_float(value: float) -> float:
    """A number of a reply; whole numbers that no float holds are infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)

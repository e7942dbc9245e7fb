"""A yes or no: NHR's checks, MRC's flags, ImgEdit's ``Objects match``."""

from __future__ import annotations

import re
from typing import Final

from editloop.judges.parsing.normalise import normalised, without_markdown
from editloop.judges.parsing.reading import Reading, unread
from editloop.judges.parsing.refusals import is_endpoint_error, no_scores
from editloop.records.verdict import Outcome

_YES: Final = "yes yeah yep true ja oui sí si да 是 はい 예 sim"
_NO: Final = "no nope false nein non нет 否 不是 いいえ 아니오 não"
_ANSWERS: Final = dict.fromkeys(_YES.split(), True) | dict.fromkeys(_NO.split(), False)
_ANY = "|".join(sorted(_ANSWERS, key=len, reverse=True))
_START = re.compile(rf"[\s\"'\[({{]*({_ANY})(?!\w|['’-]\w)", re.IGNORECASE)
_LINE_END = re.compile(rf"(?:^|[.\n:])\s*[\"']?({_ANY})[\"']?[\s.!]*$", re.IGNORECASE)


def read_yes_no(
    reply: object, flag: str, labels: tuple[str, ...] = ("answer", "verdict", "result")
) -> Reading:
    """One yes or no, as `flags[flag]`: behind a label, at the start, or as the last word of the reply.

    A reply that gives both is unparsable. Never raises.
    """
    if not isinstance(reply, str):
        return unread("no_reply", outcome=Outcome.FAILED)
    if is_endpoint_error(reply):
        return unread("endpoint_error", outcome=Outcome.FAILED, text=reply.strip()[:500])
    answer = normalised(reply)
    if answer is None:
        return unread("too_long")
    text = without_markdown(answer)
    found = flag_answers(text, (flag, *labels))
    if not found:
        found = {
            _ANSWERS[match[1].lower()]
            for match in (_START.match(text), _LINE_END.search(text))
            if match
        }
    if not found:
        return no_scores("no_answer", text)
    if len(found) > 1:
        return unread("contradiction", text=text[:500])
    return Reading(Outcome.SCORED, flags={flag: found.pop()}, text=text.strip()[:500])


def flag_answers(text: str, labels: tuple[str, ...]) -> set[bool]:
    """Every yes or no that stands behind one of `labels`, in prose or in JSON."""
    spelt = "|".join(
        re.escape(label).replace("_", r"[\s_]*").replace(r"\ ", r"[\s_]*") for label in labels
    )
    pattern = re.compile(
        rf"(?<![^\W_])(?:{spelt})[\"'\s]*(?:[:=]|\bis\b)[\s\"']*({_ANY})(?!\w)", re.IGNORECASE
    )
    return {_ANSWERS[found[1].lower()] for found in pattern.finditer(text)}

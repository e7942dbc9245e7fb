"""Replies that are no judgement: refusals, and an endpoint's error kept in place of a reply."""

from __future__ import annotations

import re
from typing import Final

from editloop.judges.parsing.reading import Reading, unread
from editloop.records.verdict import Outcome

_REFUSAL: Final = re.compile(
    r"\bI(?:'m| am) (?:really |very )?sorry\b|\bI (?:can(?:'t|not)|am unable to|am not able to|won't|will not|must decline)"
    r"|\bI'm (?:unable|not able) to\b|\b(?:can(?:'t|not)|unable to) (?:assist|help|comply|evaluate|process|provide|view|see)\b"
    r"|\bas an AI\b|content (?:policy|filter|management)|safety (?:policy|guidelines)|not (?:allowed|permitted) to\b"
    r"|无法(?:评估|协助|提供|处理|完成|回答|帮助|查看|满足)|抱歉|对不起|申し訳|できません|죄송"
    r"|\blo siento\b|\bno puedo\b|\bdésolée?\b|\bje ne peux pas\b|\btut mir leid\b|\bich kann (?:das |dieses |die )?\w* ?nicht\b"
    r"|\bmi dispiace\b|\bdesculpe\b|извините|не могу|к сожалению",
    re.IGNORECASE,
)
_ENDPOINT: Final = re.compile(
    r"^\s*(?:rate_limit_exceeded\s*$|error(?: code)?\s*[:\-]?\s*\d{3}\b|error:|\{\s*[\"']error[\"']\s*:|<!doctype html|<html"
    r"|(?:\d{3} )?(?:too many requests|internal server error|bad gateway|service unavailable|gateway time-?out)\b"
    r"|(?:request|connection) (?:timed out|error|aborted|reset)\b|traceback \(most recent call last\))",
    re.IGNORECASE,
)


def is_endpoint_error(text: str) -> bool:
    """Whether `text` is an error message that somebody stored as a reply."""
    return _ENDPOINT.match(text[:200]) is not None


def is_refusal(text: str) -> bool:
    """Whether `text` declines to judge. Ask only when no score was found: a judge may be sorry about a bad edit."""
    return _REFUSAL.search(text[:2000].replace("’", "'")) is not None


def no_scores(reason: str, text: str) -> Reading:
    """A reading without scores; `reason` holds unless the text turns out to refuse."""
    if not text.strip():
        return unread("empty")
    if is_refusal(text):
        return unread("refusal", outcome=Outcome.REFUSED, text=text.strip()[:500])
    return unread(reason, text=text.strip()[:500])

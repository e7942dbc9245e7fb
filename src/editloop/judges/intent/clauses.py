"""Cuts an instruction into clauses of one operation each, without politeness and side remarks."""

from __future__ import annotations

import re

from editloop.judges.intent.paraphrase import plainly

_VERB = (
    r"(?:add|adjust|apply|blur|brighten|bring|change|clean|clear|colou?r|convert|cut|darken|delete|discard|draw|drop|dye|"
    r"eliminate|enlarge|erase|exchange|extract|fill|get rid of|give|go back|have|hide|include|increase|decrease|insert|isolate|swap|recolor|recolour|return|keep|bring|exchange|"
    r"let|lighten|lower|make|move|paint|paste|place|put|raise|recolou?r|reduce|relight|remove|render|repaint|replace|restore|"
    r"revert|roll back|set|shift|shrink|substitute|swap|switch|take|tint|transform|turn|undo|use|wipe)"
)
_JOINT = re.compile(
    rf"(?:[.;!]\s+|,\s*(?:and\s+|but\s+)?(?:then\s+|also\s+|instead\s+|next\s+|at the same time\s+)?|\s+and\s+(?:then\s+|also\s+|instead\s+|at the same time\s+)?|\s+then\s+|\s+but\s+)"
    rf"(?:please\s+|now\s+|just\s+)?(?={_VERB}\b(?!\s+of\b)(?!'s)\s)"
)
_POLITE = re.compile(
    r"^(?:(?:hey|hi|ok|okay|alright|all right|right|so|well|hmm|oh|actually|please|kindly|now|then|next|just|also|and|finally|first|"
    r"maybe|perhaps|instead|second|secondly|this time|after that|one more thing|great|nice|perfect|thanks|cool|for this photo|in the same (?:photo|picture|image)|in this (?:photo|picture|image)|"
    r"in the (?:photo|picture|image))\b[,:!]?\s*|"
    r"(?:can|could|would|will) (?:you|we|u)(?: please| just| maybe| also| kindly)*\s+(?=\w)|"
    r"(?:i'?d|i would) (?:like|love|want)(?: you| it)? (?:to\s+(?:see\s+|have\s+)?)?|i (?:want|need)(?: you)?(?: to(?: see| have)?)?\s+|"
    r"let'?s(?: go ahead and| try to)?\s+|let us\s+|go ahead and\s+|try to\s+|help me(?: to)?\s+|you should\s+|we should\s+|how about (?:we )?|"
    r"why don'?t (?:you|we)\s+|make two changes:\s*|two changes:\s*|why not\s+|on second thoughts,?\s+|fine,?\s+(?:but\s+)?|no,\s+|i'?ve changed my mind:\s+|let'?s see (?=the|this)|what about (?=making|turning)|it (?:still )?needs\s+(?=an?\b)|do me a favou?r(?: and|:)\s+|the task is to\s+|your task is to\s+|edit the (?:image|photo|picture) (?:by|to|so that)\s+)",
)
_REMARK = re.compile(
    r"[,;.]?\s+(?:while (?:keep|maintain|preserv|leav|making sure|ensur|retain|isolat)\w*|without (?:chang|affect|touch|alter|modify|mov)\w*|"
    r"(?:and )?(?:keep|leav|maintain|preserv|ensur|mak(?:e|ing) sure|retain|match)(?:ing|e|s)?\b(?! only)(?=.*\b(?:same|intact|unchanged|as (?:it|they|is)|rest|everything|else|"
    r"natural|realistic|background|foreground|visible|focus|perspective|lighting|seamless|others?|landscape)\b)|so that(?!.*\b(?:comes?|shines?|lit)\b)|so it|so the|such that|"
    r"ensuring|making sure|blending|to (?:match|create|emphasi[sz]e|make it (?:look )?(?:natural|realistic))|(?:and|but) nothing else|, lit like\b|, without touching\b|with everything else untouched|with the same shape\b|, with a natural\b|if (?:you can|possible)|"
    r"for (?:me|us)\b|please\b|(?:and )?make (?:it|the \w+ \w+|the \w+) (?:look |more )*(?:seamless|natural|realistic)|"
    r"thanks|thank you|ok\?).*$"
)
_TRAILER = re.compile(r"(?:,?\s+(?:instead|too|as well|again|then|accordingly|also))+$")
_ASIDE = re.compile(r"\s*\([^)]*\)")


_HOLLOW = re.compile(
    r"^(?:fill|close|inpaint) .*\b(?:gap|hole|area|space|spot|background|naturally|seamlessly)\b|"
    r"^let the (?:background|surroundings|rest)\b.*\b(?:close|continue|fill|agree)\b|"
    r"^(?:make|let|have|keep) .*\b(?:seamless(?:ly)?|natural(?:ly)?|realistic(?:ally)?|believable|the same|intact|unchanged)$|"
    r"^(?:the|it|its|this|they|these|that)\b.*\b(?:match(?:es)?|blends?|illuminated|casts?|fits?|look natural)\b"
)


def normalise(text: str) -> str:
    """Lower case, one space between words, no remarks in brackets, straight quotes."""
    text = text.replace("’", "'").replace("‘", "'").replace("“", '"').replace("”", '"')
    return " ".join(_ASIDE.sub("", text).lower().split()).strip()


def strip_politeness(clause: str) -> str:
    """`clause` without "could you please" and the like in front."""
    while (shorter := _POLITE.sub("", clause, count=1)) != clause:
        clause = shorter
    return clause.strip(" .,!?")


def split_clauses(text: str) -> list[str]:
    """One string per operation of `text`, normalised."""
    clauses: list[str] = []
    whole = plainly(strip_politeness(normalise(text)))
    for part in _JOINT.split(whole):
        for sentence in re.split(r"(?<=[.!?;])\s+", part):
            clause = _TRAILER.sub("", plainly(_REMARK.sub("", strip_politeness(sentence))))
            if clause and not (clauses and _HOLLOW.match(clause)):
                clauses.append(clause.strip(" .,!?"))
    return clauses

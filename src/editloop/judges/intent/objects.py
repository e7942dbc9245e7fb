"""Rules for operations on things: extract, remove, replace, add, act, and lettering."""

from __future__ import annotations

import re
from dataclasses import replace as altered

from editloop.judges.intent.lexicon import found, words
from editloop.judges.intent.model import IntentStep, NounPhrase
from editloop.judges.intent.nouns import read_noun, read_nouns
from editloop.records.taxonomy import EditType

_EXTRACT = re.compile(
    r"^(?:extract|isolate|cut\s?out|crop out|segment(?: out)?|separate|lift out|pull out|single out|mask out|knock out)\s+(?P<noun>.+)$|"
    r"^cut (?P<cut>.+?) out\b|"
    r"^(?:show|keep|leave|give me|display|make a cutout of|(?:a )?cut-?out of)\s+(?:only|just|nothing but|solely)?\s*(?P<only>.+?)\s*(?:on|against|over|with)\s+(?:an?\s+)?(?:clean |plain |pure |blank |empty |solid |simple )*(?:white|transparent|blank)\b|"
    r"^(?:show|keep|leave|display)\s+(?:only|just|nothing but)\s+(?P<kept>.+)$|"
    r"^(?:put|place|set|lift|move|bring)\s+(?P<put>.+?)\s+(?:alone |by itself )?(?:on|onto|against)\s+(?:an?\s+)?(?:clean |plain |pure |blank |empty |solid |simple )*(?:white|transparent)\b|"
    r"^(?:remove|delete|erase|get rid of|strip|drop|take away|cut away|clear) (?:the |all (?:of )?the )?(?P<back>(?:entire |whole )?background)$|"
    r"^(?:remove|delete|erase|strip) everything (?:except|but|besides|around)(?: for)? (?P<except>.+)$"
)
_EXTRACT_TAIL = re.compile(
    r"\s+(?:from|in|out of|visible in|off)\s+(?:the|this|its|his|her)?\s*(?:whole |entire )?(?:image|picture|photo|photograph|scene|background|surroundings|frame|shot)\b.*$|\s+(?:on|onto|against)\s+(?:an?\s+)?(?:clean |plain |pure |blank |empty |solid )*(?:white|transparent|blank)\b.*$"
)
_REMOVE = re.compile(
    r"^(?:remove|delete|erase|get rid of|take away|take out|take off|eliminate|wipe (?:out|away|off)?|clear (?:away|out)?|lose|ditch|drop|scrub(?: out)?|edit out|cut out|photoshop out|paint out|clean up|subtract|strip(?: away)?|banish|hide|omit|discard|leave out|no more|no)\s+(?P<noun>.+)$|"
    r"^take (?P<take>.+?) (?:out|away|off)\b|"
    r"^(?:make|let|have)\s+(?P<gone>.+?)\s+(?:be gone|disappear|vanish|go away|be removed|be deleted|be erased|invisible)\b|"
    r"^(?P<unwanted>.+?)\s+(?:should|must|has to|have to|needs? to|need|can) (?:be (?:gone|removed|deleted|erased)|go|disappear|vanish)\b|"
    r"^(?:i )?(?:don'?t|do not) (?:want|need|like) (?P<dislike>.+?)(?: (?:here|there|in it|in the (?:image|picture|photo|shot)))?$"
)
_REMOVE_TAIL = re.compile(
    r"\s+(?:from|in|out of)\s+(?:the|this|my)?\s*(?:whole |entire )?(?:image|picture|photo|photograph|scene|frame|shot|view)$|\s+(?:completely|entirely|altogether|fully|totally|away|out|off)$"
)
_REPLACE = (
    re.compile(
        r"^(?:replace|swap(?: out)?|exchange|substitute|switch(?: out)?|trade)\s+(?P<old>.+?)\s+(?:with|by|for|to)\s+(?P<new>.+)$"
    ),
    re.compile(
        r"^(?:let\s+)?(?P<old>.+?)\s+(?:should |must |could |to )?be (?:replaced|swapped|substituted|exchanged)\s+(?:with|by|for)\s+(?P<new>.+)$"
    ),
    re.compile(
        r"^(?:put|add|place|use|have|insert|i'd rather have|rather)\s+(?:in\s+)?(?P<new>.+?)\s+(?:instead of|in place of|in the place of|where)\s+(?P<old>.+)$"
    ),
    re.compile(
        r"^(?:make|let|turn|change)\s+(?P<old>(?:the|this|that|his|her)\s+.+?)\s+(?P<new>an?\s+.+?)\s+instead(?: of .+)?$"
    ),
    re.compile(
        r"^(?:instead )?of (?P<old>.+?),?\s+(?:put|add|have|show|use|i want|there should be|make it)\s+(?P<new>.+)$"
    ),
    re.compile(r"^(?P<new>an? .+?) instead of (?P<old>.+)$"),
)
_ADD = re.compile(
    r"^(?:add|insert|include|introduce|bring|paste|draw|create|generate|throw in|drop in|stick|bring in|position|attach|sketch in|squeeze in|slip in|pop|plant|fill|drop|hang|show)\s+(?:in\s+)?(?P<noun>.+)$|"
    r"^(?:put|place|set|lay|paint|stick)\s+(?:in\s+)?(?P<put>(?!(?:the|this|it|him|her|them)\b).+)$|"
    r"^(?:let|have|make)\s+there be\s+(?P<be>.+)$|"
    r"^(?:there|it|that|here)\s+(?:should|could|must|needs to|ought to)\s+(?:also\s+)?be\s+(?P<should>.+)$|"
    r"^(?:what if|imagine|suppose|wouldn'?t it be nice if) (?:there (?:is|was|were|are)|we had|we added)\s+(?P<what_if>.+)$|"
    r"^(?:can|could) (?:it|there) be\s+(?P<can>.+)$|"
    r"^(?:have|want|need)\s+(?P<have>(?!(?:the|this|that|it|him|her|his|them|one)\b).+)$|"
    r"^(?:the|this)\s+(?:scene|image|picture|photo|shot)\s+(?:needs|could use|is missing)\s+(?P<needs>.+)$"
)
_ADD_TAIL = re.compile(
    r"\s+(?:to|in|into)\s+(?:the|this|my)\s+(?:image|picture|photo|photograph|scene|frame|shot)\b"
)
_HOLD = re.compile(
    rf"^(?:let|have|make|could|can|what if|should|get|give)?\s*(?P<who>(?:the|her|him|he|she|his|one of|it|them|they|this|that)\b.*?)\s+(?:should |could |must |were |was |is |be )*(?:be )?(?:{'|'.join(sorted(words('holds')))})\s+(?P<noun>.+)$"
)
_ARRIVE = re.compile(
    rf"^(?:let|have|make|show)\s+(?P<noun>(?:an?|some|several|two|three|water|another)\b.*?)\s+(?:be |to )?(?:{'|'.join(sorted(words('arrivals')))}|\w+ing)\b(?P<rest>.*)$"
)
_BE_NEAR = re.compile(
    r"^(?:let |have )?(?P<noun>an?\s+.+?)\s+(?:should|could|must|to) be\s+(?P<rest>.+)$"
)
_GIVE = re.compile(
    r"^give\s+(?P<who>(?:the|this|that|his|her|him|it|them)\b(?:\s+\w+)*?)\s+(?P<noun>(?:an?|some|two|three)\s+.+)$|^give\s+(?P<who2>(?:her|him|it|them|(?:the|this|his)\s+\w+))\s+(?P<noun2>.+)$"
)
_ACT = re.compile(
    rf"^(?:make|let|have|get|could|can|should)\s+(?P<who>(?!an?\b|some\b|there\b).+?)\s+(?:to\s+)?"
    rf"(?<!the )(?:{'|'.join(sorted(words('actions') - {'look'}))}|look (?:up|down|left|right|at|away|to|slightly|towards?|over|into|straight|back))\b(?P<rest>.*)$"
)
_POSE = re.compile(
    rf"^(?:raise|lift|lower|turn|tilt|open|close|move|bend|stretch|rotate|extend|fold|cross|spread|change|adjust|shut|point)\s+(?P<who>.*\b(?:{'|'.join(sorted(words('body_parts')))}|pose|posture|expression|gaze|facial expression|action))\b(?!.*\bcolou?r)"
)
_STATE = re.compile(
    rf"^(?:make|let|have)\s+(?P<who>.+?)\s+(?:look |appear |seem |be |feel )?(?:very |more |a bit )?(?:{'|'.join(sorted(words('states')))})$"
)
_TEXT = re.compile(
    r"\b(?:text|caption|lettering|letters|slogan|inscription|headline|writing|wording|title|logo text)\b|\b(?:word|number|name|sign)s?\b[^'\"]*['\"]|^write\b|^(?:change|replace)\s+['\"]"
)
_REFERENCE = re.compile(
    r"\b(?:reference|second|other|2nd|provided|attached|given|supplied)\s+(?:image|picture|photo|object|item)\b|\b(?:image|picture|photo)\s+(?:2|two|b)\b|\bthe reference\b"
)


def extract(clause: str) -> IntentStep | None:
    """Reads "cut out the lamp on white"."""
    match = _EXTRACT.match(clause)
    if not match:
        return None
    said = next(
        (value for name, value in match.groupdict().items() if value and name != "back"), ""
    )
    return IntentStep(EditType.EXTRACT, targets=read_nouns(_EXTRACT_TAIL.sub("", said)))


def from_reference(clause: str) -> IntentStep | None:
    """Reads "replace the mug with the one in the reference image"."""
    if not _REFERENCE.search(clause):
        return None
    cleaned = re.sub(
        r"\s+(?:from|in|of|shown in|on|like|as in)\s+the\s+(?:\w+\s+)?(?:image|picture|photo|reference)\b(?: (?:2|two|b))?.*$",
        "",
        clause,
    )
    cleaned = re.sub(
        r"\b(?:the )?(?:reference|provided|attached|given|supplied)\s+", "the ", cleaned
    )
    step = replace(cleaned) or add(cleaned)
    targets, results = (step.targets, step.results) if step else ((), ())
    vague = {"object", "item", "thing", "one", "subject", "image", "picture", "photo"}
    return IntentStep(
        EditType.VISUAL,
        targets=targets,
        results=tuple(r for r in results if r.head not in vague),
        from_reference=True,
    )


def lettering(clause: str) -> IntentStep | None:
    """Reads "change the text to 'open'"."""
    if not _TEXT.search(clause) or re.match(
        r"(?:extract|isolate|remove the \w+ (?:with|marked))", clause
    ):
        return None
    quoted = re.findall(r"['\"]([^'\"]+)['\"]", clause)
    return IntentStep(EditType.TEXT, words=tuple(quoted))


def remove(clause: str) -> IntentStep | None:
    """Reads "get rid of the bottle"."""
    match = _REMOVE.match(clause)
    if not match:
        return None
    said = next(value for value in match.groups() if value)
    return IntentStep(EditType.REMOVE, targets=read_nouns(_REMOVE_TAIL.sub("", said)))


def replace(clause: str) -> IntentStep | None:
    """Reads "swap the bike for a motorcycle"."""
    for form in _REPLACE:
        if match := form.match(clause):
            new = re.sub(
                r"\s+(?:in|from) the (?:image|picture|photo|scene)$|\s+instead$", "", match["new"]
            )
            targets, results = read_nouns(match["old"]), read_nouns(new)
            return IntentStep(
                EditType.REPLACE,
                targets=targets,
                results=_named_like(results, targets),
                colours=results[0].colours if results else (),
            )
    taken = re.match(
        r"(?:remove|take out|take away) (?P<old>.+?) and (?:put|place|add) (?P<new>an? .+?) (?:in (?:its |the )?place|instead)",
        clause,
    )
    return (
        IntentStep(
            EditType.REPLACE, targets=read_nouns(taken["old"]), results=read_nouns(taken["new"])
        )
        if taken
        else None
    )


def add(clause: str) -> IntentStep | None:
    """Reads "put a hat on the dog", "let there be a moon"."""
    for form in (_HOLD, _ARRIVE, _BE_NEAR, _GIVE):
        if match := form.match(clause):
            held = {name.rstrip("2"): value for name, value in match.groupdict().items() if value}
            if is_property(held["noun"]):
                return None
            who = read_noun(held["who"]) if held.get("who") else None
            return _added(
                held["noun"] + " " + held.get("rest", ""), landmark=who.head if who else ""
            )
    match = _ADD.match(clause)
    if not match:
        return None
    said = next(value for value in match.groups() if value)
    filled = (
        re.match(r"(?P<where>(?:the|his|her|this) .+?) (?:with|up with) (?P<noun>.+)", said)
        if clause.startswith(("fill", "cover", "decorate"))
        else None
    )
    return _added(filled["noun"] if filled else said)


def is_property(said: str) -> bool:
    """Whether what a thing shall "have" is a look of its own ("stripes", "blue eyes") rather than a new thing."""
    noun = read_noun(said)
    return noun is not None and (
        noun.head in words("patterns") | {"stripe", "polka dot"}
        or (
            (bool(noun.colours) or "dark" in said or "light" in said)
            and noun.head.split()[-1]
            in {"eye", "hair", "fur", "skin", "feather", "petal", "leaf", "wing", "nose"}
        )
    )


def _added(said: str, landmark: str = "") -> IntentStep | None:
    results = read_nouns(_ADD_TAIL.sub("", said))
    if not results:
        return None
    if re.search(rf"\b(?:{'|'.join(sorted(words('retouch')))})$", results[0].head):
        return IntentStep(EditType.PERSON, results=results, words=(results[0].head,))
    owner = read_noun(landmark) if landmark else None
    targets = (owner,) if owner else ()
    return IntentStep(EditType.ADD, targets=targets, results=results, colours=results[0].colours)


def act(clause: str) -> IntentStep | None:
    """Reads "make the horse jump", "raise the left hand"."""
    for form in (_STATE, _POSE, _ACT):
        if match := form.match(clause):
            return IntentStep(
                EditType.ACTION,
                targets=read_nouns(match["who"]),
                words=found(clause, "actions", "states"),
            )
    return None


def _named_like(
    results: tuple[NounPhrase, ...], targets: tuple[NounPhrase, ...]
) -> tuple[NounPhrase, ...]:
    """Reads "replace the tie with a black one": the one is a tie."""
    if not results or not targets or results[0].head.split()[-1] not in {"one", "ones"}:
        return results
    return (altered(results[0], head=targets[0].head), *results[1:])


def bare(clause: str) -> IntentStep | None:
    """Reads "a red kite above the trees": a wish without a verb is for something new."""
    return _added(clause) if re.match(r"(?:an?|some|another|two|three|more)\s+\w", clause) else None

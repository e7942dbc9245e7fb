"""Rules for "change / make / turn / let A (into) B": the B decides what kind of edit it is."""

from __future__ import annotations

import re
from dataclasses import replace as altered

from editloop.judges.intent.lexicon import found, words
from editloop.judges.intent.model import Change, IntentStep, NounPhrase
from editloop.judges.intent.nouns import is_pronoun, read_nouns
from editloop.judges.intent.objects import is_property
from editloop.records.taxonomy import EditType

_COLOUR_OF = re.compile(
    r"^(?:change|make|turn|alter|adjust|modify|switch|set|shift|let|update|have|swap|replace)\s+(?P<what>.*?\b(?:colou?rs?|shade|hue|tint|texture|material|pattern|finish|surface|size|brightness|shape|tone|appearance)\b.*?)(?:\s+(?:from .+? )?(?:in)?(?:to|with|be|as|for)\s+(?:be\s+)?(?P<new>.+))?$"
)
_PAINT = re.compile(
    r"^(?:paint|repaint|recolou?r|dye|colou?r|tint|spray(?:-| )?paint|stain|tone)\s+(?P<what>.+?)(?:\s+(?:in|to|with|into))?\s+(?P<new>(?:an?\s+)?(?:(?:light|dark|bright|pale|deep|soft|matte|solid|vivid|navy|sky|nice)\s+)*(?:%s)(?:[\s-](?:%s))*(?:\s+(?:colou?r|shade|tone))?)$"
)
_INTO = re.compile(
    r"^(?:change|turn|transform|convert|morph|make|transfigure|alter|modify|let|switch)\s+(?P<what>.+?)\s+(?:be changed |be turned |turn |change )?(?:in)?to\s+(?:be\s+|look like\s+|resemble\s+)?(?P<new>.+)$"
)
_TYPO_WITH = re.compile(r"^change\s+(?P<what>.+?)\s+(?:for|with|by)\s+(?P<new>.+)$")
_BE = re.compile(
    r"^(?:let|make|have|could|can|should|what if)?\s*(?P<what>.+?)\s+(?:should be|must be|could be|needs to be|ought to be|be|become|becomes|turn|were|was|look like|look|appear|seem)\s+(?:made (?:out )?of\s+)?(?P<new>.+)$"
)
_MAKE_A = re.compile(
    r"^(?:make|let)\s+(?P<what>(?:the|this|that|his|her|its|it|one|all|both|these|those)\b.*?)\s+(?P<new>(?:an?|all|completely|fully|entirely|out of|of|more|much|a bit|a little|slightly|twice as|look)\s+.+)$"
)
_MAKE_LAST = re.compile(
    r"^(?:(?:make|let|have|leave|keep|want|get|turn)\s+|(?=the |this |that |his |her ))(?P<what>(?:the |this |that |his |her |its |their |my |all |both |these |those )?.+?)\s+(?P<new>(?:(?:%s)[\s-])*(?:%s))$"
)
_HAVE_LOOK = re.compile(
    r"^(?:let|make|have|could|can|should|give)\s+(?P<what>(?:the|this|that|his|her|its)\s+\w+(?:\s+\w+)??)\s+(?:(?:have|with|get|having|wear)\s+)?(?P<new>.+)$"
)
_BE_QUALITY = re.compile(
    r"^(?:let|make|have|get|could|can|should)?\s*(?P<what>.+?)\s+(?:should be|must be|could be|needs to be|ought to be|to be|be|turn|look|appear|become)\s+(?:made (?:out )?of\s+)?(?P<new>.+)$"
)
_SCALE = re.compile(
    r"^(?:enlarge|shrink|resize|scale(?: up| down)?|widen|lengthen|shorten|thicken|increase the size of|reduce the size of|decrease the size of|double|halve)\s+(?P<what>.+)$"
)
_LIGHTEN = re.compile(
    r"^(?:brighten|darken|lighten|dim|increase the brightness of|decrease the brightness of|reduce the brightness of|adjust the brightness of)\s+(?P<what>.+?)(?:\s+to\s+.*)?$"
)
_FINISH = re.compile(
    r"^give\s+(?P<what>(?:the|this|that|his|her|its|it|them)\b.*?)\s+(?P<new>(?:an?|some)\s+.*\b(?:colou?r|finish|texture|look|coat|paint job|surface|pattern|shade|coating|appearance|makeover|tint))\b"
)
_DARKER = re.compile(r"\b(?:bright|dark|light)(?:er|en|ness)\b")


def _alternatives(*names: str) -> str:
    entries = {entry for name in names for entry in words(name)}
    return "|".join(re.escape(entry) for entry in sorted(entries, key=lambda e: (-len(e), e)))


_PAINT = re.compile(
    _PAINT.pattern
    % (_alternatives("colours", "multi_colours"), _alternatives("colours", "colour_shades"))
)
_MAKE_LAST = re.compile(
    _MAKE_LAST.pattern
    % (
        _alternatives("colour_shades"),
        _alternatives(
            "colours", "multi_colours", "materials", "comparatives", "patterns", "size_changes"
        ),
    )
)


def adjust(clause: str) -> IntentStep | None:
    """Edits that name the property they change ("paint the door green", "enlarge the vase")."""
    if match := _SCALE.match(clause):
        return IntentStep(
            EditType.ADJUST,
            targets=read_nouns(match["what"]),
            change=Change.SIZE,
            words=tuple(clause.split()[:1]),
        )
    if match := _LIGHTEN.match(clause):
        return IntentStep(
            EditType.ADJUST,
            targets=read_nouns(match["what"]),
            change=Change.BRIGHTNESS,
            words=tuple(_DARKER.findall(clause)) or (clause.split()[0],),
        )
    if match := _COLOUR_OF.match(clause):
        return _adjusted(_owner_of(match["what"]), match["new"] or "", clause)
    for form in (_PAINT, _FINISH):
        if match := form.match(clause):
            return _adjusted(match["what"], match["new"], clause)
    return None


def transform(clause: str) -> IntentStep | None:
    """Reads "A into B" in its many wordings; whether B is a quality or a thing decides between adjust and replace."""
    for form in (_HAVE_LOOK, _BE_QUALITY, _MAKE_LAST, _INTO, _TYPO_WITH, _MAKE_A, _BE):
        match = form.match(clause)
        if match and form is _HAVE_LOOK:
            if is_property(match["new"]):
                return _adjusted(match["what"], match["new"], clause)
        elif match and form is _BE_QUALITY:
            if is_quality(match["new"]):
                return _by_result(match["what"], match["new"], clause)
        elif match and not re.match(r"(?:there|it should|a |an )", match["what"]):
            return _by_result(match["what"], match["new"], clause)
    return None


def _by_result(what: str, new: str, clause: str) -> IntentStep | None:
    if any(word in words("retouch") for word in new.split()) and _is_person(what):
        return IntentStep(EditType.PERSON, targets=read_nouns(what), words=(new,))
    if is_quality(new):
        return _adjusted(what, new, clause)
    targets, results = read_nouns(what), read_nouns(new)
    if not results or (not targets and not is_pronoun(what)):
        return None
    return IntentStep(
        EditType.REPLACE, targets=targets, results=results, colours=results[0].colours
    )


def _is_person(what: str) -> bool:
    return bool(
        re.search(
            r"\b(?:m[ae]n|wom[ae]n|boy|girl|person|people|kid|child(?:ren)?|lady|guy|him|her|he|she|face|baby)\b",
            what,
        )
    )


def is_quality(text: str) -> bool:
    """Whether `text` is a colour, material, pattern, size or other quality rather than a thing."""
    core = re.sub(
        r"^(?:be\s+|look\s+|an?\s+|the\s+|made (?:out )?of\s+|out of\s+|of\s+|in\s+|into\s+)+",
        "",
        text.strip(" ."),
    )
    tokens = [
        token
        for token in re.findall(r"[\w-]+", core)
        if token
        not in {
            "and",
            "or",
            "a",
            "an",
            "the",
            "more",
            "much",
            "of",
            "made",
            "with",
            "than",
            "it",
            "out",
            "now",
            "solid",
            "all",
            "as",
            "is",
            "same",
            "that",
            "look",
        }
    ]
    if not tokens:
        return False
    known = (
        words("colours")
        | words("colour_shades")
        | words("multi_colours")
        | words("materials")
        | words("patterns")
        | words("comparatives")
        | words("size_changes")
        | words("material_nouns")
    )
    last = tokens[-1]
    return all(token in known for token in tokens) or (
        last
        in (
            words("colour_nouns") | words("patterns") | {"texture", "finish", "statue", "sculpture"}
        )
        and len(tokens) <= 5
    )


def _owner_of(what: str) -> str:
    """The thing whose property is named: "the colour of the roof" and "the roof's colour" are the roof."""
    of = re.match(
        r"(?:the\s+|its\s+)?(?:[\w-]+\s+){0,2}(?:colou?rs?|shade|hue|tint|texture|material|pattern|finish|surface|size|brightness|shape|tone|appearance)\s+(?:and \w+ )?of\s+(?P<noun>.+)",
        what,
    )
    if of:
        return of["noun"]
    return re.sub(
        r"(?:'s)?\s+(?:floral |surface |body )?(?:colou?rs?|shade|hue|tint|texture|material|pattern|finish|surface|size|brightness|shape|tone|appearance)\b",
        "",
        what,
    )


def _adjusted(what: str, new: str, clause: str) -> IntentStep:
    asked = new or clause
    colours = found(asked, "colours", "multi_colours")
    materials = tuple(
        m
        for m in found(asked, "materials")
        if m not in colours
        or re.search(r"\bmade (?:out )?of\b|texture|surface|\binto (?!an? )", clause)
    )
    patterns = found(asked, "patterns")
    if patterns:
        change = Change.PATTERN
    elif materials or re.search(r"\b(?:texture|material|statue|sculpture)\b", clause):
        change = Change.MATERIAL
    elif colours or re.search(r"\bcolou?r|shade|hue|tint", clause):
        change = Change.COLOUR
    elif found(asked, "size_changes"):
        change = Change.SIZE
    else:
        change = Change.BRIGHTNESS if _DARKER.search(clause) else Change.OTHER
    targets = tuple(_without_quality(noun) for noun in read_nouns(what))
    return IntentStep(
        EditType.ADJUST,
        targets=targets,
        change=change,
        colours=colours,
        words=(*materials, *patterns) or (asked,),
    )


def _without_quality(noun: NounPhrase) -> NounPhrase:
    """Reads "the dog fur" is looked for as the dog."""
    first, _, last = noun.head.partition(" ")
    return (
        altered(noun, head=first, owner=noun.owner or first)
        if last in words("parts") and first not in words("sizes")
        else noun
    )


def wish(sentence: str) -> IntentStep | None:
    """The quality that a standing wish asks of later results ("everything new must be wooden"), or None."""
    colours, materials, patterns = (
        found(sentence, "colours"),
        found(sentence, "materials"),
        found(sentence, "patterns"),
    )
    if not (colours or materials or patterns):
        return None
    change = (
        Change.MATERIAL
        if materials and not colours
        else Change.COLOUR
        if colours
        else Change.PATTERN
    )
    return IntentStep(
        EditType.ADJUST, change=change, colours=colours, words=(*materials, *patterns)
    )

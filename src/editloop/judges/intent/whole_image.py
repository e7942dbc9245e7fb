"""Rules for operations on the whole picture: going back, background, style, tone, light, blur, restoring."""

from __future__ import annotations

import re

from editloop.judges.intent.lexicon import found, pattern, words
from editloop.judges.intent.model import IntentStep, Place
from editloop.judges.intent.nouns import places_in, read_noun, read_nouns
from editloop.records.taxonomy import EditType

_BACK = re.compile(
    r"\b(?:undo|revert|roll(?:ing)? back|go(?:ing)? back|get back|return(?:ing)? to|back to|restore the (?:first|original|previous|earlier|last)|"
    r"forget (?:about )?(?:the last|that|my last|the previous)|(?:discard|ignore|reject|scrap|cancel|drop) (?:the|that|my|this) (?:last|previous|latest|edit|change|round)|never mind|"
    r"(?:starting|start) (?:again )?(?:from|over)|use the (?:first|original|previous|earlier)|withdraw|"
    r"(?:i )?(?:don'?t|do not) like (?:the last|that|this)|based on the (?:first|original|earlier|previous))\b"
)
_VERSION_WORDS = re.compile(
    r"\b(?:version|edit|change|step|round|turn|result|image|picture|photo|one|state|it|that|last|how it was|undo|mind|before|previous)\b"
)
_KEPT_THING = re.compile(
    r"\b(?:go(?:ing)? back|return|bring|roll back)\s+(?:to\s+)?(?P<noun>the (?!first|original|previous|earlier|last|very|version|image|picture|photo|beginning|one|start|second|third|initial|unedited|untouched)\w+)(?: back)?$|"
    r"^(?P<better>the \w+(?: \w+)?) (?:was|were|looked) better$"
)
_FIRST = re.compile(r"\b(?:original|very first|beginning|untouched|initial|unedited|start)\b")
_NUMBER = re.compile(
    r"\b(?:(?:version|step|round|turn|edit|result)\s+(?:number\s+)?(?P<digit>\d|one|two|three)|(?P<word>first|second|third)\s+(?:version|edit|change|step|round|turn|result|one))\b"
)
_ORDINALS = {"one": 1, "two": 2, "three": 3, "first": 1, "second": 2, "third": 3}

_BACKGROUND = re.compile(r"\b(?:" + "|".join(sorted(words("settings"))) + r")\b")
_FROM_TO = re.compile(
    r"\b(?:from|with|to|into|for|by)\s+(?P<new>(?:an?|the|some|plain|solid|pure)?\s*.+)$"
)
_BLUR = re.compile(
    r"\b(?:bokeh|depth of field|out of focus|portrait mode|defocus\w*|(?:blur\w*|soften\w*|fuzzy)\b.*\b(?:background|backdrop|behind|surroundings|rest|everything else|except)|(?:background|backdrop|surroundings|rest|everything (?:else|behind\b.*))\b.*\bblur\w*)"
)
_LIGHT = re.compile(
    r"\b(?:re-?light\w*|(?:warm|cool|cold|soft|evening|morning|window|golden|neon|candle|candlelit|moon|moody|harsh|studio|dramatic)[\s-](?:\w+[\s-])?(?:light|lighting)|light(?:ing)?\b.*\b(?:from|source|comes?|side|direction)|lit (?:up )?from|(?:sun|sunlight|sunshine|light|lamp|spotlight|glow|shines?|shining)\b.*\bfrom|lighting\b.*\bcomes?\b|"
    r"shine\b.*\blight|(?:backlight|back-light|side-?light|rim-?light|spotlight|studio light)\w*|lighting\b.*\b(?:dramatic|soft|studio|warm|golden|harsh)|(?:dramatic|soft|studio|golden|side|harsh|moody) light(?:ing)?|cast\w* light|darken everything but)\b"
)
_RESTORE = re.compile(
    r"\b(?:deblur|denoise|dehaze|derain|upscale|unblur|sharpen(?! the \w+ (?!photo|image|picture))|super.?resol\w*|restore (?:the|this) (?:old|damaged|photo|image|picture)|colou?ri[sz]e|remove (?:the )?(?:noise|grain|blur|haze|scratches|jpeg artifacts|rain streaks|watermark)|"
    r"fix (?:the )?(?:blur|noise|exposure)|enhance (?:the )?(?:image|photo|quality|resolution|details?)|low.?light enhance\w*|add (?:some )?(?:noise|film grain|grain|jpeg)|blur the (?:whole |entire )?(?:image|photo|picture))\b"
)
_WHOLE = re.compile(
    r"\b(?:it|this|that|everything|all)\b(?!'s)|\b(?:the |this |my |whole |entire |overall )+(?:image|picture|photo|photograph|pic|shot|scene|frame|thing|lot)\b|\b(?:image|photo|picture)\b"
)
_STYLE_VERB = re.compile(
    r"^(?:turn|love this|transform|convert|make|change|render|re-?draw|re-?paint|paint|draw|transfer|re-?imagine|stylize|stylise|restyle|apply|give|put|do|recreate|present|add|style|let|show|reinterpret|have|a|an|in|as|use|adapt|depict|edit|set|modify|shift|go|\w+ style)\b"
)
_TONE_VERB = re.compile(
    r"^(?:turn|transform|convert|make|change|render|apply|give|put|add|set|cooler|warmer|shift|increase|decrease|reduce|raise|lower|boost|bump|adjust|brighten|darken|lighten|warm|cool|desaturate|saturate|grade|tone|tint|let|have|dim|crank|pump|switch|fade|"
    r"mute|more|less|use|drop|alter|push|colou?r.?grade|shoot|show|go|bring|modify|cast|brightness|contrast|black)\b"
)


def go_back(clause: str) -> IntentStep | None:
    """Reads "undo that", "back to the first version"."""
    kept = _KEPT_THING.search(clause)
    if kept:
        noun = read_noun(kept["noun"] or kept["better"])
        return IntentStep(
            EditType.VERSION_BACKTRACKING, targets=(noun,) if noun else (), back_to=-1
        )
    if not _BACK.search(clause) or not _VERSION_WORDS.search(clause):
        return None
    number = _NUMBER.search(clause)
    if number and not re.search(r"\b(?:reject|undo|discard|scrap|cancel|ignore|drop)\b", clause):
        said = number["digit"] or number["word"]
        return IntentStep(EditType.VERSION_BACKTRACKING, back_to=int(_ORDINALS.get(said, said)))
    return IntentStep(EditType.VERSION_BACKTRACKING, back_to=0 if _FIRST.search(clause) else -1)


def blur(clause: str) -> IntentStep | None:
    """Reads "blur the background"."""
    if not _BLUR.search(clause) or re.search(r"\bremove the blur\b", clause):
        return None
    subject = re.search(
        r"\b(?:keep(?:ing)?|except(?: for)?|focus on|behind|around|but)\s+(?P<noun>the \w.*?)(?:\s+(?:sharp|in focus|clear|crisp)|$|,)",
        clause,
    )
    return IntentStep(EditType.BOKEH, targets=read_nouns(subject["noun"]) if subject else ())


def relight(clause: str) -> IntentStep | None:
    """Reads "light it from the left"."""
    if not _LIGHT.search(clause) or re.match(r"(?:remove|delete|erase|replace)\b", clause):
        return None
    sides = [
        p for p in places_in(clause) if p in {Place.LEFT, Place.RIGHT, Place.TOP, Place.BOTTOM}
    ]
    if not sides and re.search(r"\b(?:above|overhead)\b", clause):
        sides = [Place.TOP]
    if not sides and re.search(r"\b(?:below|beneath|underneath)\b", clause):
        sides = [Place.BOTTOM]
    return IntentStep(
        EditType.RELIGHT,
        light_from=sides[0] if sides else None,
        words=found(clause, "tones", "times"),
    )


def restore(clause: str) -> IntentStep | None:
    """Reads "denoise the photo"."""
    return IntentStep(EditType.RESTORE) if _RESTORE.search(clause) else None


def style(clause: str) -> IntentStep | None:
    """Reads "turn it into a watercolour painting"."""
    if not _STYLE_VERB.match(clause) or re.match(
        r"add (?:an?|the|some|two) (?!.*\b(?:style|effect|filter|look)\b)", clause
    ):
        return None
    looks = found(clause, "style_nouns")
    strong = re.search(r"\b(?:style|stylized|stylised)\b", clause)
    if not looks or (looks == ("style",) and not strong):
        return None
    if re.search(
        r"\b(?:painting|drawing|sketch|poster|cartoon|illustration|mosaic|artwork|art)s? (?:on|in|of|hanging|above|behind|to|from)\b(?! (?:the )?(?:style|manner|van|monet|ink|pencil|oil|charcoal|watercolou?r|a |an |it|this|the (?:scene|photo|image|picture)))",
        clause,
    ):
        return None
    specific = re.match(
        r"(?:turn|make|change|let|paint|draw|give|transform|convert|render|have)\s+(?P<what>(?:the|this|his|her|its|all)\s+(?!image|picture|photo|scene|whole|entire|shot|frame|pic|overall|style|look|thing)\w+)",
        clause,
    )
    if specific and not (strong and re.search(r"\b(?:image|picture|photo|scene)\b", clause)):
        return None
    return IntentStep(
        EditType.STYLE,
        words=tuple(w for w in looks if w != "style") or (clause.split(" style")[0].split()[-1],),
    )


def tone(clause: str) -> IntentStep | None:
    """Reads "make it warmer", "turn the scene into winter", "boost the contrast"."""
    if not _TONE_VERB.match(clause) or _adds_a_thing(clause):
        return None
    if re.search(r"\boverall colou?rs\b", clause):
        return IntentStep(EditType.TONE, words=found(clause, "colours"))
    seasonal = found(clause, "seasons", "times", "weather")
    toned = found(clause, "tones")
    if not seasonal and not toned and not pattern("tone_nouns").search(clause):
        return None
    if (
        seasonal
        and (
            _WHOLE.search(clause)
            or re.search(
                r"\b(?:season|weather|time of day|sky|look like|sun|effect)\b|^make it\b", clause
            )
        )
        and not _adds_a_thing(clause)
    ):
        return IntentStep(EditType.TONE, words=(*seasonal, *toned))
    aimed_at_all = _WHOLE.search(clause) or re.search(
        r"\b(?:overall|filter|tones?|tonal|contrast|saturation|exposure|brightness|colou?r (?:temperature|grade|grading|balance|palette|cast)|mood|atmosphere|vibe|warmth|colou?rs|lighting|black and white|black-and-white|sepia|monochrome|vintage|film look)\b",
        clause,
    )
    specific = re.search(
        r"\bof (?:the|his|her|its)\s+(?!image|picture|photo|scene|whole|entire|shot|frame)\w+|\bskin\b|'s\b",
        clause,
    )
    # "the brightness of the dog" is about the dog, not the picture
    if aimed_at_all and not specific and (toned or pattern("tone_nouns").search(clause)):
        return IntentStep(EditType.TONE, words=toned or found(clause, "colours") or ("tone",))
    return None


def _adds_a_thing(clause: str) -> bool:
    if not re.match(
        r"(?:add|put|use|go|bring|show|let there be|have|black)\s+(?:an?|some|the|two)\s", clause
    ):
        return False
    noun = read_noun(clause.split(" ", 1)[1])
    return noun is not None and noun.head.split()[-1] not in words("tone_nouns") | words(
        "weather"
    ) | words("tones") | {"light", "effect", "warmth"}


def background(clause: str) -> IntentStep | None:
    """Reads "put the dog on a beach", "change the background to a forest"."""
    if re.match(
        r"(?:change|replace|swap|switch|turn|transform|set|make|edit|alter|convert|let|exchange|substitute|move|use|shift|give|modify|relocate|have|could|can|should)\b",
        clause,
    ):
        changed = _changed_background(clause)
        if changed is not None:
            return changed
    placed = re.match(
        r"(?:put|place|move|set|transport|bring|could (?P<who>he|she|it|they) be|have|let|show|imagine|drop)\s*(?P<what>(?:the|this|him|her|it|them|these|that)\b.*?)?\s*(?:be )?(?:in front of|next to|into|onto|on top of|in|on|at|by|against|to|near)\s+(?P<new>.+)$",
        clause,
    )
    if placed and (placed["what"] or placed["who"]):
        new = read_noun(placed["new"])
        open_air = new is not None and new.head.split()[-1] not in words("firm_places")
        if (
            new
            and (new.indefinite or open_air or not placed["new"].startswith("the "))
            and _is_ground(new.head, placed["new"])
        ):
            targets = read_nouns(placed["what"]) if placed["what"] else ()
            return IntentStep(
                EditType.BACKGROUND,
                targets=targets,
                results=(new,),
                colours=new.colours,
                words=(placed["new"],),
            )
    added = re.match(
        r"(?:(?:add|insert|create|use|paste|have|put in|put|place|set|show)\s+)?(?P<new>(?:an?|some|the)?\s*.+?)\s+(?:in|to|as|for|on|behind)\s+(?:it as )?(?:the |a )?(?:new )?(?:background|backdrop)",
        clause,
    )
    if added and (new := read_noun(added["new"])) and _is_ground(new.head, added["new"]):
        return IntentStep(
            EditType.BACKGROUND, results=(new,), colours=new.colours, words=(added["new"],)
        )
    return None


def _changed_background(clause: str) -> IntentStep | None:
    body = clause.split(" ", 1)[-1]
    old_text, new_text = _old_and_new(body)
    old, new = read_noun(old_text), read_noun(new_text) if new_text else None
    new_head = new.head if new else ""
    says_background = bool(_BACKGROUND.search(old_text)) and not re.search(
        r"\b(?:in|from|of) the (?:background|backdrop)$", old_text
    )
    in_background = bool(
        re.search(r"\bin the (?:background|backdrop|distance)\b", clause)
    ) and _is_ground(new_head, new_text)
    ground_swap = (
        old is not None
        and new is not None
        and _is_ground(old.head, old_text)
        and _is_ground(new_head, new_text)
    )
    to_setting = (
        new is not None
        and new.indefinite
        and new_head.split()[-1] in words("settings") | words("settings_loose")
    )
    moved = bool(re.search(r"\bfrom (?:the|an?) [\w -]+ to (?:the|an?) ", body)) and _is_ground(
        new_head, new_text
    )
    if not (says_background or in_background or ground_swap or to_setting or moved):
        return None
    if (
        re.search(r"\b(?:bigger|smaller|larger|brighter|darker|lighter|brightness)\b", clause)
        and not new
    ):
        return None
    return IntentStep(
        EditType.BACKGROUND,
        results=(new,) if new else (),
        colours=new.colours if new else (),
        words=(new_text or body,),
    )


def _old_and_new(body: str) -> tuple[str, str]:
    """What is there now and what shall be there: the last "to", "into", "with", "be" divides them."""
    for divider in (
        r"\s+(?:in)?to (?:resemble )?(?:be )?(?=\S)",
        r"\s+with\s+",
        r"\s+(?:for|by)\s+",
        r"\s+(?:be|become|look like|a (?=\w+ background))\s*",
    ):
        parts = re.split(divider, body, maxsplit=1)
        if len(parts) == 2:
            return parts[0], re.split(r"\s+(?:with the|instead of)\b", parts[1])[0]
    bare = re.match(r"(the (?:background|backdrop|ground|scenery))\s+(.+)", body)
    return (bare[1], bare[2]) if bare else (body, "")


def _is_ground(head: str, text: str) -> bool:
    core = re.split(r"\s+(?:with|under|at|near|by|full)\s+", text.strip(" ."))[0]
    last = head.split()[-1] if head else ""
    return (
        last in words("grounds")
        or last in words("settings")
        or last in words("settings_loose")
        or bool(
            re.search(
                r"\b(?:"
                + "|".join(sorted(words("grounds"), key=len, reverse=True))
                + r")(?:s|es)?$",
                core,
            )
        )
    )

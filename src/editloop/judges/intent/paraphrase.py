"""Casual turns of phrase, rewritten as plain requests that the rules know."""

from __future__ import annotations

import re

from editloop.judges.intent.lexicon import pattern

_COLOUR = pattern("colours").pattern
_SHADED = rf"(?:(?:light|dark|bright|pale|deep|soft|matte)[\s-])?{_COLOUR}"
_NEW = r"(?:an?|some|two|three)\s.+?"
_THING = r"(?:the|this|that|these|those|his|her|my|your)\s.+?"

_TABLE: tuple[tuple[str, str], ...] = (
    # lit
    (r"(?:have|try|go for|give it) ((?:an?\s)?(?:[\w-]+ )*(?:light|spotlight|lighting|sunlight|glow)\b.*)", r"relight with \1"),
    # gone
    (r"(?:i'd|i would) (?:rather|prefer to) not see (.+)", r"remove \1"),
    (r"(?:let's |let us )?do without (.+)", r"remove \1"),
    (rf"({_THING}) (?:can|should|must|could|has to|have to|needs to) (?:go|disappear)", r"remove \1"),
    (r"(?:could|can|might) (.+?) disappear", r"remove \1"),
    (r"(the .+?): gone", r"remove \1"),
    (r"there(?:'s| is| are|'re) (.+?)[;,.] (?:please )?(?:take|get|edit|cut) (?:it|them|him|her) (?:out|away)", r"remove \1"),
    (r"(?:would you )?mind removing (.+)", r"remove \1"),
    (r"show (?:the same|this|the) (?:scene|picture|photo|image) without (.+?)(?:, as if.*)?", r"remove \1"),
    (r"(?:zap|nuke|kill|cut) (the (?!.* out$).+)", r"remove \1"),
    (r"(?:take|bring|pull) (it|them) (?:out|away)(?: again)?", r"remove \1"),
    # in the place of
    (rf"let ({_NEW}) take the place of (.+)", r"replace \2 with \1"),
    (rf"(?:ditch|drop|lose|take out|remove|get rid of) (.+?) and (?:give me|put|show|use|have) ({_NEW}) ?(?:in (?:exactly )?(?:that|its|their|the same|the) (?:place|spot)|there|instead)?", r"replace \1 with \2"),
    (rf"({_NEW}) would be (?:nicer|better) than (.+?)(?:[;,.] .*)?", r"replace \2 with \1"),
    (rf"what if (?!there\b)(.+?) (?:were|was|is|became) ({_NEW})", r"turn \1 into \2"),
    (rf"where ({_THING}) (?:now )?(?:stands?|is|are|lies?|sits?|lay),? (?:show|put|have) ({_NEW})(?: instead)?", r"replace \1 with \2"),
    (rf"(?:have|show|put|want|like|use|see) ({_NEW}) where ({_THING}) (?:is|are|stands?|now .*|was)", r"replace \2 with \1"),
    (rf"(?:(?:what about|have|try|use|like|want|prefer|rather have|to have) )?({_NEW}) instead of (?!the background)(.+)", r"replace \2 with \1"),
    (rf"substitute ({_NEW}) for (.+)", r"replace \2 with \1"),
    (rf"(?:could|can) (?:it|they|that) be ({_NEW})(?: instead)?", r"replace it with \1"),
    (rf"(?:put|let|show|have) ({_NEW}) (?:stand |sit |be )?(?:there|here|in its place)(?: instead)?", r"replace it with \1"),
    (rf"(?:i'd prefer|i would prefer|prefer) ({_NEW})", r"replace it with \1"),
    (rf"(.+ with {_NEW}) of about the same size.*", r"\1"),
    (r"(?:take|get) (.+?) from the (second|other|reference) (picture|image|photo) and (?:use|put) (?:it|them) (?:instead of|in place of|in the place of) (.+)", r"replace \4 with \1 from the reference image"),
    # colour and material
    (rf"(?:recolou?r|paint|repaint|dye|tint|colou?r|stain) ({_THING}|it|them)(?: in| to)? ({_SHADED})", r"make \1 \2"),
    (rf"({_THING}|it|them) (?:would|will|might) look (?:better|good|nice|great) in ({_SHADED})", r"make \1 \2"),
    (rf"(?:see |have |try |how about |what about |show |want |like )?({_THING}|it|them) in ({_SHADED})", r"make \1 \2"),
    (rf"(?:what|how) would ({_THING}|it|them) look (?:like )?in (.+)", r"make \1 \2"),
    (rf"go for ({_SHADED}) on (.+)", r"make \2 \1"),
    (rf"({_SHADED}) would suit (.+?)(?: better)?", r"make \2 \1"),
    (rf"make ({_THING}|it|them) ({_SHADED})[,;]? (?:while|with|only|and keep|but keep|without) .+", r"make \1 \2"),
    (rf"turn ({_THING}|it|them) ({_SHADED})[,;] (?!and\b|then\b).+", r"turn \1 \2"),
    (r"keep (?:the )?(?:shape|outline|form|light)(?: and (?:the )?(?:shape|light|shading))? of (.+?),? (?:but|and|yet) (?:make|turn|let) (?:it|them|the surface|its surface|their surface)(?: be)? (.+)", r"make \1 \2"),
    (r"make (the .+?) look (?:like|as if (?:it|they) (?:was|were|is|are) (?:made )?(?:out )?of) (?!an? )(.+?)(?:, with .*)?", r"turn \1 into \2"),
    (r"give (the .+?|it|them) (?:the|a) (?:texture|surface|look|finish) of (.+)", r"turn \1 into \2"),
    (rf"in ({_SHADED})", r"make it \1"),
    (rf"(?:could|can|let) (it|they|that|them) be ({_SHADED})", r"make it \2"),
    (r"make (the .+?) out of (.+)", r"turn \1 into \2"),
    (rf"(?:what if |could |try |how would )?({_THING}|it|them) (?:were |was |be |look )?(?:made (?:out )?of|in) (?!the\b|focus|place)(\w+(?: \w+)?)", r"turn \1 into \2"),
    (r"cover (the .+?) (?:in|with) (?!an? |the )(\w+(?: \w+)?)", r"turn \1 into \2"),
    (r"(?:bring|get) (.+?) back,? (?:but|and make (?:it|them)) (?:in |made of |made out of )?(.+)", r"make \1 \2"),
    (r"recolou?r (the \w+(?: \w+)??)(?: accordingly)?|repaint (the \w+(?: \w+)??)(?: accordingly)?|give (the \w+(?: \w+)?) a new colou?r|let (the \w+(?: \w+)?) match|(?:now )?do (the \w+(?: \w+)?)|(the \w+(?: \w+)?) should follow,? too|give (the \w+(?: \w+)?) a new surface|change what (the \w+(?: \w+)?) (?:is|are) made of", r"change the colour of \1\2\3\4\5\6\7\8"),
    (rf"({_SHADED}) (?!would|and|or|colou?r|light|tones?\b|background)([a-z]+(?: [a-z]+)?)", r"make the \2 \1"),
    # alone on white
    (r"(?:make|turn|paint) everything (?:but|except(?: for)?|around|besides) (.+?) (?:pure |plain |all )?white(?:,.*)?", r"extract \1"),
    (r"(?:i )?(?:only|just) (?:need|want) (.+?)(?:,? (?:on|against|with|nothing) .+)?", r"extract \1"),
    (r"(the .+?) (?:only|alone|by itself),? (?:on|against) .*white.*", r"extract \1"),
    (r"(?:(?:just|only) )?(the .+?),? (?:please,? )?(?:nothing (?:behind|else|around).*|on .*white.*)", r"extract \1"),
    (r"(?:let|keep) only (the .+?) (?:be )?(?:in focus|sharp)", r"blur everything except \1"),
    # behind
    (r"(.+?) (?:as|for) (?:the|a) (?:new )?(?:background|backdrop)(?: instead)?", r"change the background to \1"),
    (r"new background: (.+)", r"change the background to \1"),
    (r"(?:put|set|show) (.+?) behind(?: it(?: all)?| everything| them)?", r"change the background to \1"),
    (r"(?:what about|how about|like|have|put|want) (.+?) (?:instead of the background|in the background instead)", r"change the background to \1"),
    (r"(?:make it look as if it was taken|set the scene|take it|shoot it) (?:in front of|against|before|on|in) (.+)", r"change the background to \1"),
    (r"keep the foreground.*?,? but show (.+?) behind it", r"change the background to \1"),
    (r"take away (the .+?)(?:,| and) (?:and )?set (.+?) in its place.*", r"replace the background with \2"),
    # looks
    (r"(?:(?:imagine|see|show|picture|have|love|like|want|do|try) )?(?:this|it|the (?:photo|picture|image|scene)) as (.+)", r"turn the image into \1"),
    (r"give (?:this|it|the (?:whole )?(?:photo|picture|image|scene)) the (?:look|style|appearance|mood|feel|air) of (.+)", r"make the image look like \1"),
    (r"as (.+)", r"turn the image into \1"),
    (r"(?:feel|look|be) (?:more )?like (.+)", r"make the image look like \1"),
    (r"(?:could|can|what if|let) (?:this|it|the (?:photo|picture|image|scene)) (?:look|feel|be|were|was) (?:more )?like (.+)", r"make the image look like \1"),
    (r"(?:could|can|what if) (?:this|the (?:photo|picture|image|scene)) (?:be|were|was) (.+)", r"turn the image into \1"),
    (r"(?:it|this|the (?:photo|picture|image|scene)) (?:to|should|could) (?:feel|look|be|seem) (?:like )?(.+)", r"turn the image into \1"),
    (r"(?:regrade|grade|tone) (?:this|it|the (?:whole |entire )?(?:photo|picture|image|scene)) (?:to|so that it|like|as)(?: looks?)?(?: like)? (.+)", r"make the image look like \1"),
    (r"change only the light and (?:the )?colou?rs,? so that (?:it|they) looks? like (.+)", r"make the image look like \1"),
    (r"(?:try it with|light:|how about|what about|give it|let's have|go for) ((?:[\w-]+ )*(?:light|spotlight|lighting|sunlight|glow)\b.*)", r"relight with \1"),
    (r"let ((?:[\w-]+ )*(?:light|sunlight|glow)\b.*?) (?:shape|fill|fall|flood|touch|bathe) .*", r"relight with \1"),
    (r"light (?:the|this|it)\b(.*)", r"relight\1"),
    (r".*\b(?:portrait[- ]mode|creamy background|dreamy background)\b.*", r"blur the background"),
)  # fmt: skip
_COMPILED = tuple((re.compile(form), rewrite) for form, rewrite in _TABLE)

_GERUNDS = re.compile(
    r"^(?:how about|what about|why not|mind|consider|try)?\s*(?P<verb>mak|turn|remov|add|chang|replac|paint|put|giv|swap|blur|colour|recolour|tak|plac|light|relight|eras|delet|convert)(?:p|t)?ing\b"
)
_FULL = {
    "mak": "make",
    "remov": "remove",
    "chang": "change",
    "replac": "replace",
    "giv": "give",
    "tak": "take",
    "plac": "place",
    "eras": "erase",
    "delet": "delete",
}


def plainly(clause: str) -> str:
    """`clause` as a plain request where it is one of the known casual forms, else unchanged."""
    clause = clause.strip(" .,!?")
    clause = _GERUNDS.sub(lambda match: _FULL.get(match["verb"], match["verb"]), clause)
    for form, rewrite in _COMPILED:
        if match := form.fullmatch(clause):
            return match.expand(rewrite).strip()
    return clause

"""Instructions from templates: the embedded stand-in for ImgEdit's instruction writers (arXiv 2505.20275, step 7).

Each triplet gets a main wording and one in each other style, drawn from its seed. Rules kept from the paper: place and
size woven into the sentence; at most 30 words; at most one adjective in replace, adjust and background; a background edit
names no object; the rounds of a content-memory dialogue never repeat the premise; later rounds of a
content-understanding dialogue use pronouns; version backtracking rejects the second round and changes the first object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import get_args

from editloop.core.errors import UsageError
from editloop.core.seeds import derive_seed
from editloop.mine.instructions.phrases import PICTURE_WORDS, Phrases, Slots, Style, wordings
from editloop.mine.instructions.words import capitalised, tidy
from editloop.records.record import Phrasing
from editloop.records.taxonomy import EditType

MAX_WORDS = 30
TERSE_WORDS = 4
STYLES: tuple[Style, ...] = get_args(Style)
_MAIN_STYLE_SHARES: Mapping[Style, float] = {
    "plain": 0.5,
    "detailed": 0.3,
    "casual": 0.15,
    "terse": 0.05,
}
_ONE_ADJECTIVE = frozenset({EditType.REPLACE, EditType.ADJUST, EditType.BACKGROUND})
_NEEDS: Mapping[EditType, tuple[str, ...]] = {
    EditType.REMOVE: ("object",),
    EditType.ADD: ("object",),
    EditType.REPLACE: ("object", "new_object"),
    EditType.ADJUST: ("object",),
    EditType.BACKGROUND: ("background",),
    EditType.EXTRACT: ("object",),
    EditType.STYLE: ("style",),
    EditType.TONE: ("tone",),
    EditType.BOKEH: ("object",),
    EditType.RELIGHT: ("light",),
    EditType.VISUAL: ("new_object",),
}


@dataclass(frozen=True, slots=True)
class Written:
    """An instruction: `main`, and the same in other styles."""

    main: str
    phrasings: tuple[Phrasing, ...] = ()


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of a dialogue does."""

    edit_type: EditType
    slots: Slots


@dataclass(frozen=True, slots=True)
class WrittenDialogue:
    """A dialogue: what is said before the first round (content memory only), and one instruction a round."""

    premise: str
    turns: tuple[Written, ...]


def write_instruction(edit_type: EditType, slots: Slots, seed: int) -> Written:
    """The wordings of one edit.

    Raises:
        UsageError: a slot that the edit type needs is empty, or the type is not written from templates.
    """
    slots = _for_new_things(edit_type, slots)
    table = _table(edit_type, slots)
    limit = 1 if edit_type in _ONE_ADJECTIVE else 2
    main = _main_style(seed)
    texts = {
        style: _draw(
            [*table[style], *_idioms(edit_type, slots, style)],
            slots,
            style,
            _rng(seed, style),
            limit,
            woven=style == main,
        )
        for style in STYLES
    }
    return _written(texts, main)


def write_compose(first: Round, second: Round, seed: int) -> Written:
    """Two operations on two objects in one sentence."""
    main = _main_style(seed)
    texts = {}
    for style in STYLES:
        rng = _rng(seed, "compose", style)
        joined = rng.choice(wordings("templates")["compose"][style])
        # A sentence of two halves has room for only so many words: no half is longer than "plain".
        half: Style = "plain" if style == "detailed" else style
        for manner in (half, "terse"):
            a, b = (_clause(part, manner, rng, woven=style == main) for part in (first, second))
            picture = rng.choice(PICTURE_WORDS)
            texts[style] = tidy(joined.format(A=capitalised(a), a=a, b=b, picture=picture))
            if len(texts[style].split()) <= MAX_WORDS:
                break
    return _written(texts, main)


def write_dialogue(kind: EditType, rounds: Sequence[Round], seed: int) -> WrittenDialogue:
    """The wordings of a dialogue of two or three rounds.

    Args:
        kind: One of the three kinds of dialogue.
        rounds: Content memory: two of replace and adjust, whose colour or material is the premise; or any two,
            whose style is.
            Content understanding: add, adjust, then remove or replace, all of the added object.
            Version backtracking: add, replace, adjust of the added object.
        seed: Draws the wordings.

    Raises:
        UsageError: the rounds are not those of the kind.
    """
    writers = {
        EditType.CONTENT_MEMORY: _content_memory,
        EditType.CONTENT_UNDERSTANDING: _content_understanding,
        EditType.VERSION_BACKTRACKING: _version_backtracking,
    }
    if kind not in writers:
        raise UsageError(f"{kind} is not a kind of dialogue; expected one of {', '.join(writers)}")
    return writers[kind](rounds, seed)


def _content_memory(rounds: Sequence[Round], seed: int) -> WrittenDialogue:
    _expect(rounds, ({EditType.REPLACE, EditType.ADJUST, EditType.REMOVE},) * 2)
    table = wordings("dialogues")["content_memory"]
    slots = rounds[0].slots
    wish = next((name for name in ("style", "material", "colour") if getattr(slots, name)), None)
    if wish is None:
        raise UsageError("content memory needs a colour, material or style in its first round")
    premise = _draw(table[f"premise_{wish}"], slots, "plain", _rng(seed, "premise"), 1)
    turns = []
    for number, turn in enumerate(rounds, start=1):
        unsaid = table.get(f"adjust_{wish}") if turn.edit_type is EditType.ADJUST else None
        options = unsaid or table.get(turn.edit_type) or _table(turn.edit_type, turn.slots)["plain"]
        turns.append(_few(options, _without_wish(turn.slots, wish), seed, number))
    return WrittenDialogue(premise, tuple(turns))


def _without_wish(slots: Slots, wish: str) -> Slots:
    """The slots of a round, with what the premise already said taken out."""
    return replace(
        slots,
        new_colour="",
        style="",
        colour="" if wish == "colour" else slots.colour,
        material="" if wish == "material" else slots.material,
    )


def _content_understanding(rounds: Sequence[Round], seed: int) -> WrittenDialogue:
    _expect(
        rounds,
        ({EditType.ADD}, {EditType.ADJUST}, {EditType.REMOVE, EditType.REPLACE}),
    )
    table = wordings("dialogues")["content_understanding"]
    adjust = rounds[1].slots
    property_name = "material" if adjust.material else "colour"
    pronoun = wordings("templates")[f"adjust_{property_name}"]["pronoun"]
    last = table[rounds[2].edit_type.value]
    return WrittenDialogue(
        "",
        (
            write_instruction(EditType.ADD, rounds[0].slots, _seed(seed, 1)),
            _few(pronoun, adjust, seed, 2),
            _few(last, rounds[2].slots, seed, 3),
        ),
    )


def _version_backtracking(rounds: Sequence[Round], seed: int) -> WrittenDialogue:
    _expect(rounds, ({EditType.ADD}, {EditType.REPLACE}, {EditType.ADJUST}))
    table = wordings("dialogues")["version_backtracking"]
    property_name = "material" if rounds[2].slots.material else "colour"
    return WrittenDialogue(
        "",
        (
            write_instruction(EditType.ADD, rounds[0].slots, _seed(seed, 1)),
            _few(table["replace"], rounds[1].slots, seed, 2),
            _few(table[f"adjust_{property_name}"], rounds[2].slots, seed, 3),
        ),
    )


def _table(edit_type: EditType, slots: Slots) -> dict[str, list[str]]:
    """The wordings of an edit type; what fits depends on which slots are given."""
    if edit_type not in _NEEDS:
        raise UsageError(
            f"no wordings for {edit_type}; expected one of {', '.join(_NEEDS)}, "
            "or `write_compose` and `write_dialogue`"
        )
    missing = [name for name in _NEEDS[edit_type] if not getattr(slots, name)]
    if missing:
        raise UsageError(f"an instruction to {edit_type} needs {', '.join(missing)}")
    key = edit_type.value
    if edit_type is EditType.ADJUST:
        if not slots.colour and not slots.material:
            raise UsageError("an instruction to adjust needs a colour or a material")
        key = "adjust_material" if slots.material else "adjust_colour"
    if edit_type is EditType.VISUAL:
        key = "visual_replace" if slots.object else "visual_add"
    table: dict[str, list[str]] = wordings("templates")[key]
    return table


def _idioms(edit_type: EditType, slots: Slots, style: Style) -> list[str]:
    """Wordings that people have for this very tone, style or light."""
    looks = {
        EditType.TONE: slots.tone,
        EditType.STYLE: slots.style,
        EditType.RELIGHT: slots.light,
    }
    idioms: list[str] = wordings("looks").get(looks.get(edit_type, ""), {}).get(style, [])
    return idioms


def _for_new_things(edit_type: EditType, slots: Slots) -> Slots:
    """What is only now being added needs no words that tell it from others of its kind."""
    adds = edit_type is EditType.ADD or (edit_type is EditType.VISUAL and not slots.object)
    return replace(slots, place=replace(slots.place, rank="")) if adds else slots


def _clause(part: Round, style: Style, rng: Random, *, woven: bool) -> str:
    limit = 1 if part.edit_type in _ONE_ADJECTIVE else 2
    slots = _for_new_things(part.edit_type, part.slots)
    table = _table(part.edit_type, slots)
    text = _draw(table["clause"], slots, style, rng, limit, woven=woven)
    return text[:1].lower() + text[1:]


def _draw(
    options: Sequence[str],
    slots: Slots,
    style: Style,
    rng: Random,
    limit: int,
    *,
    woven: bool = False,
) -> str:
    """One of `options`, filled; those that do not fit the slots or run too long are passed over.

    With `woven`, a wording that says where is taken before one that cannot.
    """
    phrases = Phrases(slots, style, rng, max_adjectives=limit, woven=woven)
    shuffled = rng.sample(options, len(options))
    if woven:
        shuffled.sort(
            key=lambda option: "{it}" not in option.lower() and "{where" not in option.lower()
        )
    for option in shuffled:
        text = tidy(phrases.fill(option))
        if text and len(text.split()) <= MAX_WORDS:
            return text
    raise UsageError(f"none of {len(options)} wordings fits {slots}")


def _few(options: Sequence[str], slots: Slots, seed: int, number: int) -> Written:
    """A main wording and up to two others from one list that knows no styles."""
    texts: list[str] = []
    for attempt in range(8):
        text = _draw(options, slots, "plain", _rng(seed, "round", number, attempt), 1)
        if text not in texts:
            texts.append(text)
    main, *others = texts[:3]
    return Written(main, tuple(Phrasing(style=_style_of(text), text=text) for text in others))


def _style_of(text: str) -> Style:
    """The style of a short sentence that was not written for one."""
    if text.endswith("?") or "'" in text:
        return "casual"
    return "terse" if len(text.split()) <= TERSE_WORDS else "plain"


def _main_style(seed: int) -> Style:
    (style,) = _rng(seed, "main").choices(
        list(_MAIN_STYLE_SHARES), list(_MAIN_STYLE_SHARES.values())
    )
    return style


def _written(texts: Mapping[Style, str], main: Style) -> Written:
    phrasings = []
    seen = {texts[main]}
    for style in STYLES:
        if texts[style] not in seen:
            seen.add(texts[style])
            phrasings.append(Phrasing(style=style, text=texts[style]))
    return Written(texts[main], tuple(phrasings))


def _expect(rounds: Sequence[Round], allowed: Sequence[set[EditType]]) -> None:
    fits = len(rounds) == len(allowed) and all(
        turn.edit_type in types for turn, types in zip(rounds, allowed, strict=True)
    )
    if not fits:
        wanted = ", then ".join(" or ".join(sorted(types)) for types in allowed)
        given = ", ".join(turn.edit_type for turn in rounds)
        raise UsageError(f"this kind of dialogue has the rounds {wanted}; got {given}")


def _seed(seed: int, *words: str | int) -> int:
    return derive_seed(seed, "instruction", *words)


def _rng(seed: int, *words: str | int) -> Random:
    return Random(_seed(seed, *words))

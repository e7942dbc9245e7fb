"""Reads an English edit instruction into operations: rules and word lists, no model."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace as altered

from editloop.judges.intent import objects, transform, whole_image
from editloop.judges.intent.clauses import normalise, split_clauses
from editloop.judges.intent.model import Change, Intent, IntentStep, NounPhrase
from editloop.judges.intent.nouns import read_noun
from editloop.records.taxonomy import EditType

Rule = Callable[[str], IntentStep | None]

RULES: tuple[Rule, ...] = (
    whole_image.go_back,
    objects.from_reference,
    objects.extract,
    whole_image.restore,
    whole_image.blur,
    whole_image.relight,
    objects.lettering,
    whole_image.style,
    whole_image.background,
    whole_image.tone,
    transform.adjust,
    objects.replace,
    objects.remove,
    objects.add,
    objects.act,
    transform.transform,
    objects.bare,
)
"""Tried in this order; the first that recognises a clause reads it."""

_STANDING = re.compile(
    r"\b(?:from now on|every(?:thing| new| added)|all (?:new|added|edits|objects|changes|later)|any(?:thing)? (?:new|you)|always|whatever|throughout|each (?:new|change|edit|object)|keep this in mind|remember|theme|from here on)\b"
)


def read_instruction(text: str, context: Sequence[str] = ()) -> Intent:
    """The operations that `text` asks for.

    Args:
        text: One instruction in English; may hold two operations.
        context: Earlier instructions of the dialogue, oldest first, for pronouns and standing wishes.

    Example:
        >>> read_instruction("Could you paint the old door dark green?").operations[0].colours
        ('green',)
    """
    steps: list[IntentStep] = []
    premise = _premise(context)
    last_named = _antecedent(context)
    for clause in split_clauses(text):
        if mentioned := _KEEP.match(clause):
            last_named = read_noun(mentioned["noun"]) or last_named
            continue
        step = _read_clause(clause)
        if step is None or _repeats(steps, step):
            continue
        step = _resolve(step, last_named or _first_named(steps), clause)
        last_named = _named_in(step) or last_named
        steps.append(_under(premise, step))
    return Intent(text=text, operations=tuple(steps), premise=premise)


_KEEP = re.compile(
    r"(?:keep|leave|preserve)\s+(?P<noun>(?:the|every|all)\b(?: \w+)?)(?! (?:on|against|only))"
)


def _read_clause(clause: str) -> IntentStep | None:
    return next((step for rule in RULES if (step := rule(clause)) is not None), None)


def _repeats(steps: list[IntentStep], step: IntentStep) -> bool:
    """Whether a clause only says more about the operation before ("... and isolate it from the rest")."""
    if not steps:
        return False
    same = step.edit_type is steps[-1].edit_type
    if steps[-1].edit_type is EditType.EXTRACT and step.edit_type in {
        EditType.ADJUST,
        EditType.TONE,
        EditType.BACKGROUND,
        EditType.EXTRACT,
    }:
        return True
    return (
        same
        and not step.targets
        and not step.results
        and step.edit_type
        in {
            EditType.EXTRACT,
            EditType.BOKEH,
            EditType.BACKGROUND,
            EditType.STYLE,
            EditType.TONE,
            EditType.RELIGHT,
            EditType.RESTORE,
        }
    )


def _antecedent(context: Sequence[str]) -> NounPhrase | None:
    named = None
    for earlier in context:
        for clause in split_clauses(earlier):
            step = _read_clause(clause)
            if step is not None:
                named = _named_in(step) or named
    return named


def _named_in(step: IntentStep) -> NounPhrase | None:
    if step.edit_type in {EditType.BACKGROUND, EditType.STYLE, EditType.TONE}:
        return step.target
    return step.result or step.target


def _first_named(steps: list[IntentStep]) -> NounPhrase | None:
    return next((named for step in steps if (named := _named_in(step)) is not None), None)


def _resolve(step: IntentStep, antecedent: NounPhrase | None, clause: str) -> IntentStep:
    """Gives "it" its meaning; without one, a wish about "it" is about the whole picture."""
    refers = re.search(
        r"\b(?:it|its|them|they|their|him|her|that one|this one|that|this)\b", clause
    )
    needs_target = step.edit_type in {
        EditType.REMOVE,
        EditType.REPLACE,
        EditType.ADJUST,
        EditType.ACTION,
        EditType.PERSON,
        EditType.EXTRACT,
    }
    if antecedent is not None and refers:
        if needs_target and not step.targets:
            return altered(step, targets=(antecedent,))
        if step.edit_type is EditType.TONE and re.match(
            r"(?:make|turn|let) (?:it|them|that) ", clause
        ):
            return altered(
                step, edit_type=EditType.ADJUST, targets=(antecedent,), change=Change.BRIGHTNESS
            )
        return step
    if (
        step.edit_type is EditType.ADJUST
        and not step.targets
        and step.change in {Change.BRIGHTNESS, Change.OTHER}
    ):
        return altered(step, edit_type=EditType.TONE)
    return step


def _under(premise: IntentStep | None, step: IntentStep) -> IntentStep:
    """`step` with the colour or material that a standing wish adds to it."""
    if premise is None or step.edit_type not in {EditType.ADJUST, EditType.REPLACE, EditType.ADD}:
        return step
    if step.colours:
        return step
    wished = altered(step, colours=premise.colours, words=premise.words or step.words)
    return altered(wished, change=premise.change) if step.edit_type is EditType.ADJUST else wished


def _wished_look(sentence: str) -> IntentStep | None:
    look = re.search(r"\blook(?:s|ing)? like (?P<look>.+)", sentence)
    if look is None:
        return None
    step = _read_clause(f"make the image look like {look['look'].strip(' .')}")
    return step or IntentStep(EditType.TONE, words=(look["look"].strip(" ."),))


def _premise(context: Sequence[str]) -> IntentStep | None:
    for earlier in context:
        sentence = normalise(earlier)
        if _STANDING.search(sentence):
            wish = transform.wish(sentence) or _wished_look(sentence)
            if wish is not None:
                return wish
    return None

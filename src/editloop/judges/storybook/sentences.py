"""What a storybook judge says about each failure it can name: plain words that the editor's text encoder knows too."""

from __future__ import annotations

from typing import Final

from editloop.core.errors import UnknownNameError

NOTHING_WRONG: Final = "none"
_SENTENCES: Final[dict[str, str]] = {
    "no_op": "nothing changed",
    "half_done": "only a part was done",
    "wrong_object": "the wrong thing changed",
    "wrong_attribute": "it did not turn as it should",
    "wrong_colour": "the colour is wrong",
    "wrong_pattern": "the pattern is wrong",
    "wrong_size": "it is not as big as it should be",
    "wrong_kind": "there is the wrong thing in its place",
    "wrong_place": "it is in the wrong place",
    "wrong_background": "the background is wrong",
    "wrong_style": "the style is wrong",
    "not_the_reference": "it is not the one of the reference",
    "still_there": "it is still there",
    "not_added": "it was not added",
    "not_done": "it was not done",
    "over_edit": "other things also changed",
    "identity_drift": "the shape of other things changed",
    "colour_shift": "the colours are wrong",
    "blurred": "the picture is blurred",
    "blur": "the picture is blurred",
    "artefacts": "the picture is smeared",
}
"""By code of the oracle (ratings-trained judges) and of the corruptors (the base scorer)."""


def failure_sentence(code: str) -> str:
    """The sentence for a failure code.

    Raises:
        UnknownNameError: when nothing is said about such a failure.
    """
    if code not in _SENTENCES:
        raise UnknownNameError(
            f"no sentence for failure {code!r}; known: {', '.join(sorted(_SENTENCES))}"
        )
    return _SENTENCES[code]

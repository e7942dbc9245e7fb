"""What an editor that takes a single prompt is told of a dialogue."""

from __future__ import annotations

from editloop.models.roles import EditRequest


def in_one_prompt(request: EditRequest) -> str:
    """The instruction, after what was said before it in the same dialogue."""
    if not request.context:
        return request.instruction
    said = "\n".join(f"{number}. {text}" for number, text in enumerate(request.context, start=1))
    return (
        f"Earlier in this conversation you were told, in this order:\n{said}\n"
        f"The first image is the latest result. Now do this: {request.instruction}"
    )

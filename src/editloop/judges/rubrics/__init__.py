"""Rubrics of the four papers and their neighbours, as versioned data."""

from editloop.judges.rubrics.published import with_published_prompts
from editloop.judges.rubrics.rubric import Question, Rubric, load_rubric, rubric_names, rubric_text

__all__ = [
    "Question",
    "Rubric",
    "load_rubric",
    "rubric_names",
    "rubric_text",
    "with_published_prompts",
]

"""The oracle: scores an edited storybook picture as a fair person would, and says in words what is wrong with it."""

from editloop.world.oracle.depiction import depiction_score, depicts
from editloop.world.oracle.score import score_edit
from editloop.world.oracle.verdicts import FAILURES, OracleScore, overall_score
from editloop.world.oracle.words import FAILURE_WORDS

__all__ = [
    "FAILURES",
    "FAILURE_WORDS",
    "OracleScore",
    "depiction_score",
    "depicts",
    "overall_score",
    "score_edit",
]

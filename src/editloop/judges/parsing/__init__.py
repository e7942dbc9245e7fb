"""Reading judges' replies: pure functions from text to scores, by the published scripts' rules or by robust ones."""

from editloop.judges.parsing.axes import read_axes
from editloop.judges.parsing.protocols import (
    read_hp_scorer,
    read_imgedit,
    read_mrc,
    read_nhr,
    read_post_filter,
    read_uge,
    read_vie,
)
from editloop.judges.parsing.reading import Axis, Reading, ReadingMode
from editloop.judges.parsing.slips import SLIPS
from editloop.judges.parsing.votes import (
    HUMAN_VOTES,
    Vote,
    VoteReading,
    official_correct,
    read_vote,
)
from editloop.judges.parsing.yes_no import read_yes_no

__all__ = [
    "HUMAN_VOTES",
    "SLIPS",
    "Axis",
    "Reading",
    "ReadingMode",
    "Vote",
    "VoteReading",
    "official_correct",
    "read_axes",
    "read_hp_scorer",
    "read_imgedit",
    "read_mrc",
    "read_nhr",
    "read_post_filter",
    "read_uge",
    "read_vie",
    "read_vote",
    "read_yes_no",
]

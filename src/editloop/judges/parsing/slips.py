"""What the published scripts do that their papers do not say: the table behind every official reading."""

from __future__ import annotations

from typing import Final, NamedTuple


class Slip(NamedTuple):
    """One behaviour of a published script."""

    where: str
    """Protocols it touches."""
    what: str
    """What the script does."""
    robust: str
    """What the robust reading does instead."""


SLIPS: Final[dict[str, Slip]] = {
    "item_dropped": Slip(
        "ImgEdit, UGE",
        "a reply without a line `text: digits` leaves the mean without a trace (bold, `4/5`, `5.`, refusals; UGE's own "
        "README example)",
        "reads the score where there is one; else unscored, and counted",
    ),
    "axes_lost": Slip(
        "ImgEdit",
        "lines that do not fit are skipped and the item's score is the mean of the rest",
        "all axes or none",
    ),
    "extra_lines_counted": Slip(
        "ImgEdit, UGE",
        "any line `text: digits` counts as a score, whatever the text says",
        "only labels of the prompt count",
    ),
    "out_of_scale_counted": Slip(
        "ImgEdit, UGE, VIEScore, Real-Edit",
        "a number outside the scale enters the mean",
        "unparsable, `out_of_scale`",
    ),
    "cap_not_enforced": Slip(
        "ImgEdit",
        "the prompt forbids a second or third score above the first, the script does not look",
        "kept as given; `cap='enforced'` lowers it",
    ),
    "odd_digits_crash": Slip(
        "ImgEdit, UGE, VIEScore",
        "digits such as a raised 2 (or a leading 0 in a list) pass the test for digits and stop the script when they are "
        "converted",
        "footnote digits are ignored",
    ),
    "reply_not_text": Slip(
        "ImgEdit, UGE, VIEScore",
        "an endpoint's error is stored in place of the reply and stops the script",
        "failed, and counted",
    ),
    "asked_again": Slip(
        "VIEScore",
        "both questions are asked again when one reply cannot be read: the kept reply is never the first",
        "unparsable; every reply is kept",
    ),
    "random_guess": Slip(
        "VIEScore",
        "a second unreadable reply without braces becomes a random whole number from 0 to 10",
        "unparsable",
    ),
    "list_not_read": Slip(
        "VIEScore",
        "on the second try a plain list of scores is replaced by the random number too, though the first try would have "
        "read it",
        "read",
    ),
    "json_repaired": Slip(
        "VIEScore",
        "broken JSON is repaired by patterns and a lone number becomes a list",
        "scores behind their labels are read, repaired or not",
    ),
    "scores_not_numbers": Slip(
        "VIEScore",
        "an object without a list of numbers under `score` stops the script or compares texts",
        "unparsable",
    ),
    "wrong_count_counted": Slip(
        "VIEScore",
        "one score or four count like the two that were asked for: their minimum is the result",
        "unparsable, `wrong_count` or `missing_axes`",
    ),
    "not_finite": Slip(
        "VIEScore",
        "`NaN` or `Infinity` in a reply, or an empty cell of the script's table, makes the type's mean and the overall NaN or infinite",
        "unparsable",
    ),
    "flag_without_score": Slip(
        "Real-Edit",
        "a whole number, double quotes or a missing score raise after the yes/no was counted: the yes-rate has more items "
        "than the mean, and the perspectives that follow lose the item",
        "whole numbers and any quotes are read",
    ),
    "yes_anywhere": Slip(
        "Real-Edit",
        "`yes` anywhere in the reply counts as a yes, `yesterday` included",
        "only the answer counts",
    ),
    "vote_not_exact": Slip(
        "GenAI-Bench",
        "a vote spelt otherwise than the template (`[[A > B]]`) is wrong whatever people said",
        "spelling does not matter",
    ),
    "brackets_joined": Slip(
        "GenAI-Bench",
        "several bracketed labels in one line are taken as one, which no vote equals",
        "one vote if they agree, else unparsable",
    ),
    "bare_tie_counts_twice": Slip(
        "GenAI-Bench",
        "`[[A=B]]` is right both when people call it a tie and when they call both bad",
        "a tie",
    ),
    "unread_is_wrong": Slip(
        "GenAI-Bench",
        "a reply without a label is a wrong answer: refusing costs as much as erring",
        "unscored; accuracy says of how many",
    ),
}
"""Code -> slip. `docs/judges.md` carries the same table; a test keeps the two together."""

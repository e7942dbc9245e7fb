from __future__ import annotations

from pathlib import Path

from tests.judges.parsing import replies

from editloop.judges.parsing.__main__ import slips_table
from editloop.judges.parsing.slips import SLIPS

PAGE = Path(__file__).parents[3] / "docs" / "judges.md"


def test_the_page_has_the_table() -> None:
    assert slips_table() in PAGE.read_text(encoding="utf-8")


def test_every_slip_of_the_table_of_replies_is_explained() -> None:
    tables = (replies.IMGEDIT_ADD, replies.UGE, replies.VIE_SC, replies.REAL_EDIT)
    met = {slip for table in tables for odd in table.values() for slip in odd.slips}
    assert met <= SLIPS.keys()
    # The rest are met only on a second try, or by votes.
    assert SLIPS.keys() - met == {
        "random_guess",
        "list_not_read",
        "vote_not_exact",
        "brackets_joined",
        "bare_tie_counts_twice",
        "unread_is_wrong",
    }

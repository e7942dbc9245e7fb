"""Prints the table of slips: ``python -m editloop.judges.parsing``."""

from __future__ import annotations

import sys

from editloop.judges.parsing.slips import SLIPS


def slips_table() -> str:
    """The table in Markdown."""
    rows = [
        "| code | protocol | what the script does | robust reading |",
        "|---|---|---|---|",
        *(
            f"| `{code}` | {slip.where} | {slip.what} | {slip.robust} |"
            for code, slip in SLIPS.items()
        ),
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    sys.stdout.write(slips_table() + "\n")

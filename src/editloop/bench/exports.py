"""A leaderboard as CSV and as LaTeX."""

from __future__ import annotations

import csv
import io
from typing import Final

from editloop.bench.context import ScoreContext
from editloop.bench.table import Cell, LeaderTable

_LATEX: Final = str.maketrans(
    {"&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
     "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
)  # fmt: skip


def to_csv(table: LeaderTable) -> str:
    """One row an editor: figure, low and high end of macro, micro and every group, then counts."""
    names = ["macro", "micro", *table.groups]
    head = ["editor", "rank_best", "rank_worst"]
    head += [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
    head += [
        "n_scored",
        "n",
        "runs",
        "metric",
        *(f"context_{field}" for field in ScoreContext.model_fields),
    ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    for row in table.rows:
        cells = [
            row.macro,
            row.micro,
            *(row.groups.get(group, Cell(None)) for group in table.groups),
        ]
        numbers = [_digits(part) for cell in cells for part in (cell.value, cell.low, cell.high)]
        writer.writerow(
            [_inert(row.editor), *row.ranks, *numbers, row.n_scored, row.n, row.runs, table.metric,
             *(_inert(str(value)) for value in table.context.model_dump().values())]
        )  # fmt: skip
    return text.getvalue()


def to_latex(table: LeaderTable) -> str:
    """A `booktabs` table, the best figure of every column in bold, half-widths of intervals small beside the overall."""
    best = {name: _best(table, name) for name in ("macro", *table.groups)}
    lines = [
        r"\begin{tabular}{l" + "r" * (len(table.groups) + 2) + "}",
        r"\toprule",
        " & ".join(["Editor", *map(_tex, table.groups), "Overall", "$n$"]) + r" \\",
        r"\midrule",
    ]
    for row in table.rows:
        cells = [_bold(row.groups.get(group, Cell(None)), best[group]) for group in table.groups]
        overall = _bold(row.macro, best["macro"])
        if row.macro.low is not None and row.macro.high is not None:
            overall += rf" {{\tiny [{row.macro.low:.2f}, {row.macro.high:.2f}]}}"
        lines.append(
            " & ".join([_tex(row.editor), *cells, overall, f"{row.n_scored}/{row.n}"]) + r" \\"
        )
    lines += [r"\bottomrule", r"\end{tabular}"]
    facts = ", ".join(
        f"{field.replace('_', ' ')} {value}"
        for field, value in table.context.model_dump().items()
        if value
    )
    return f"% {table.title}: {_tex(facts)}\n" + "\n".join(lines) + "\n"


def _best(table: LeaderTable, name: str) -> float | None:
    cells = [
        row.macro if name == "macro" else row.groups.get(name, Cell(None)) for row in table.rows
    ]
    return max((cell.value for cell in cells if cell.value is not None), default=None)


def _bold(cell: Cell, best: float | None) -> str:
    if cell.value is None:
        return "--"
    text = f"{cell.value:.2f}"
    return (
        rf"\textbf{{{text}}}"
        if best is not None and round(best, 2) == round(cell.value, 2)
        else text
    )


def _tex(text: str) -> str:
    return text.translate(_LATEX)


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _inert(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text

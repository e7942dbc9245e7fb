"""Rankings from pairs: win rates, and Davidson's model (Bradley-Terry with ties)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from editloop.core.errors import UsageError
from editloop.judges.parsing.votes import Vote
from editloop.judges.vlm.pairs import PairVerdict

Battle = tuple[str, str, Vote]
"""Name of the first editor, name of the second, and who won."""

_STEPS: Final = 200
_CLOSE: Final = 1e-10


@dataclass(frozen=True, slots=True)
class Ranking:
    """Strengths in Davidson's model, the best first.

    Args:
        strengths: Name -> natural log of its strength, with mean 0.
        tie: How common ties are: two equals tie with probability tie / (2 + tie).
        battles: Pairs that were counted.
    """

    strengths: Mapping[str, float]
    tie: float
    battles: int

    def elo(self, middle: float = 1000.0) -> dict[str, float]:
        """Strengths on the Elo scale around `middle`."""
        return {name: middle + 400 / np.log(10) * one for name, one in self.strengths.items()}


def win_rates(battles: Iterable[Battle]) -> dict[str, float]:
    """Name -> share of its battles won, a tie or both bad counting half; the best first."""
    won: dict[str, float] = {}
    fought: dict[str, int] = {}
    for first, second, vote in battles:
        for name, wins in ((first, Vote.FIRST), (second, Vote.SECOND)):
            half = 0.5 if vote in (Vote.TIE, Vote.BOTH_BAD) else float(vote is wins)
            won[name] = won.get(name, 0.0) + half
            fought[name] = fought.get(name, 0) + 1
    rates = {name: won[name] / fought[name] for name in won}
    return dict(sorted(rates.items(), key=lambda pair: -pair[1]))


def rank_from_pairs(battles: Iterable[Battle], prior: float = 0.1) -> Ranking:
    """Strengths that make the outcomes likeliest.

    P(first wins) = p / (p + q + t sqrt(pq)) and P(tie) = t sqrt(pq) / (p + q + t sqrt(pq)), by Newton's method on the logs.

    Args:
        battles: Outcomes; both bad counts as a tie.
        prior: Weight that pulls every strength to the middle, so that who never lost is not infinitely strong.

    Raises:
        UsageError: no battles.
    """
    fought = list(battles)
    if not fought:
        raise UsageError("a ranking needs one pair or more")
    names = sorted({name for first, second, _ in fought for name in (first, second)})
    counts = _counts(fought, names)
    logs = np.zeros(len(names) + 1)
    for _ in range(_STEPS):
        gradient, curvature = _derivatives(logs, counts, prior)
        step = np.linalg.solve(curvature, gradient)
        step *= min(1.0, 2.0 / max(1e-12, float(np.abs(step).max())))
        logs += step
        if np.abs(step).max() < _CLOSE:
            break
    strengths = logs[:-1] - logs[:-1].mean()
    order = np.argsort(-strengths, kind="stable")
    return Ranking(
        {names[place]: float(strengths[place]) for place in order},
        float(np.exp(logs[-1])),
        len(fought),
    )


def flip_rate(verdicts: Sequence[PairVerdict]) -> tuple[float, int]:
    """Share of pairs whose vote changes with the order, and of how many it is the share (both orders read)."""
    asked = [one.flipped for one in verdicts if one.flipped is not None]
    return (sum(asked) / len(asked) if asked else float("nan")), len(asked)


def _counts(battles: Sequence[Battle], names: Sequence[str]) -> NDArray[np.float64]:
    """(2, n, n): wins of row over column, then ties above the diagonal."""
    place = {name: number for number, name in enumerate(names)}
    counts = np.zeros((2, len(names), len(names)))
    for first, second, vote in battles:
        if first == second:
            continue
        i, j = place[first], place[second]
        if vote is Vote.FIRST:
            counts[0, i, j] += 1
        elif vote is Vote.SECOND:
            counts[0, j, i] += 1
        else:
            counts[1, min(i, j), max(i, j)] += 1
    return counts


def _derivatives(
    logs: NDArray[np.float64], counts: NDArray[np.float64], prior: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gradient and negative Hessian of the penalised log-likelihood."""
    n = len(logs) - 1
    gradient, curvature = -prior * logs, prior * np.eye(n + 1)
    for i in range(n):
        for j in range(i + 1, n):
            seen = np.array([counts[0, i, j], counts[0, j, i], counts[1, i, j]])
            if not seen.any():
                continue
            # Scores of the three outcomes are linear in (log p_i, log p_j, log t): a softmax.
            features = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.5, 1.0]])
            where = [i, j, n]
            raw = features @ logs[where]
            chance = np.exp(raw - raw.max())
            chance /= chance.sum()
            gradient[where] += features.T @ (seen - seen.sum() * chance)
            spread = np.diag(chance) - np.outer(chance, chance)
            curvature[np.ix_(where, where)] += seen.sum() * features.T @ spread @ features
    return gradient, curvature

"""Several judges as one, and rankings from pairs."""

from editloop.judges.panel.judge import PanelJudge
from editloop.judges.panel.ranking import Ranking, flip_rate, rank_from_pairs, win_rates

__all__ = ["PanelJudge", "Ranking", "flip_rate", "rank_from_pairs", "win_rates"]

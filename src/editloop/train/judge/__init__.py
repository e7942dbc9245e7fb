"""Training of the storybook judges: `python -m editloop.train.judge all` makes the packaged weights again.

`variants` makes good and bad edits of a case, `pool` keeps them with the oracle's scores, `labels` turns those into what a
judge learns from (synthetic flaws, or the ratings of simulated people), `loop` trains, `card` measures the agreement.
"""

"""What several processes do together is what one does: the shares' gradients add up to the whole."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
import torch
from tests.train.sft.pictures import square_example
from tests.train.toy_policy import ToyPolicy
from torch import Tensor

from editloop.train.sft import SftConfig, SftTrainer, ShuffledExamples
from editloop.train.sft.parallel import Processes


class Share(Processes):
    """One of several processes that never meet: its sums stay its own."""

    def __init__(self, rank: int, count: int) -> None:
        super().__init__()
        self._share = rank, count

    @property
    def rank(self) -> int:
        return self._share[0]

    @property
    def count(self) -> int:
        return self._share[1]


def gradient(processes: Processes, folder: Path) -> Tensor:
    policy = ToyPolicy()
    config = SftConfig(batch_size=5, micro_batch_size=2, gradient_norm=1e9)
    examples = ShuffledExamples([square_example(number) for number in range(7)])
    trainer = SftTrainer(policy, examples, config, folder, processes=processes)
    trainer.accumulate(examples.batch(0, config.batch_size), step=0)
    grads = [p.grad for p in policy.network.parameters() if p.grad is not None]
    return torch.cat([grad.flatten() for grad in grads])


def test_the_shares_of_three_processes_add_up(tmp_path: Path) -> None:
    whole = gradient(Processes(), tmp_path)
    shares = [gradient(Share(rank, 3), tmp_path) for rank in range(3)]
    assert whole.norm() > 0.1
    torch.testing.assert_close(torch.stack(shares).sum(0), whole, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize(("count", "processes"), [(5, 3), (8, 2), (4, 4), (7, 1)])
def test_every_row_belongs_to_one_process(count: int, processes: int) -> None:
    rows = [list(range(count))[Share(rank, processes).rows(count)] for rank in range(processes)]
    assert list(chain.from_iterable(rows)) == list(range(count))
    assert all(rows)

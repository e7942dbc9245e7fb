"""Two processes learn together: equal weights everywhere, each with cases of its own."""

from __future__ import annotations

import multiprocessing
import os
import socket
import traceback
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.train.align.runs import nft, redness, toy_cases
from tests.train.toy_policy import ToyPolicy

from editloop.train.align.log import read_log
from editloop.train.align.reward_bus import FunctionReward
from editloop.train.align.trainer import Aligner


def trained_in_part(rank: int, port: int, folder: Path, steps: int) -> None:
    """What `accelerate launch` starts in each process; weights, or the error, are left in `folder`."""
    os.environ |= {
        "WORLD_SIZE": "2",
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "ACCELERATE_USE_CPU": "true",
    }
    try:
        config = nft(steps=steps, checkpoint_every=1)
        reward = FunctionReward(redness)
        with Aligner(ToyPolicy(), toy_cases(), reward, config, folder) as run:
            while not run.finished:
                run.step()
            run.export()
            weights = {str(n): w.detach().clone() for n, w in enumerate(run.anchor.trainable)}
        save_file(weights, folder / f"rank-{rank}-{steps}.safetensors")
    except Exception:
        (folder / f"error-{rank}").write_text(traceback.format_exc())
        raise
    finally:
        torch.distributed.destroy_process_group()


def run_both(folder: Path, steps: int) -> list[dict[str, torch.Tensor]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("fork")  # what is imported here is imported there
    started = [
        context.Process(target=trained_in_part, args=(rank, port, folder, steps)) for rank in (0, 1)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join(120)
        process.kill()
    assert not [path.read_text() for path in folder.glob("error-*")]
    return [load_file(folder / f"rank-{rank}-{steps}.safetensors") for rank in (0, 1)]


@pytest.mark.slow
def test_two_processes_keep_equal_weights_and_resume(tmp_path: Path) -> None:
    first, second = run_both(tmp_path, 1)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(value.abs().sum() > 0 for value in first.values())
    (entry,) = read_log(tmp_path)
    assert entry["groups/kept"] == 1  # of this process; the other drew the second group
    assert entry["update/samples"] == 2 * 8 * 2
    first, second = run_both(tmp_path, 2)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert [entry["step"] for entry in read_log(tmp_path)] == [1, 2]

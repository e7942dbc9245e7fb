"""LoRA on any diffusers network (arXiv 2106.09685), written as the file that a plain pipeline's `load_lora_weights` reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from editloop.core.errors import UsageError

ADAPTER = "default"
"""Name of the adapter that is trained."""
LORA_FILE = "pytorch_lora_weights.safetensors"
"""The file name that diffusers looks for in a folder."""
ATTENTION_TARGETS = ("to_q", "to_k", "to_v", "to_out.0")
"""Projections of every diffusers attention block: what is adapted when nobody names anything else."""
_METADATA_KEY = "lora_adapter_metadata"


def add_adapter(
    network: torch.nn.Module,
    *,
    rank: int,
    alpha: int,
    targets: Sequence[str],
    seed: int,
) -> None:
    """Freeze `network` and put a trainable adapter on its `targets`; outputs are unchanged, as the up-projections start at zero.

    The adapter is float32 whatever the network is.

    Args:
        network: A diffusers model, or any module.
        rank: Inner width of the adapter.
        alpha: Its output is scaled by ``alpha / rank``.
        targets: Ends of the names of linear and convolution layers.
        seed: Of the down-projections, normal with variance ``1 / rank^2``.

    Raises:
        UsageError: when the network has an adapter already, or no layer is called so.
    """
    from peft import LoraConfig, inject_adapter_in_model

    if has_adapters(network):
        raise UsageError(
            "the network carries an adapter already; fuse or unload it before training"
        )
    if not any(name.endswith(tuple(targets)) for name, _ in network.named_modules()):
        raise UsageError(f"no layer of {type(network).__name__} ends in one of {list(targets)}")
    network.requires_grad_(False)
    settings = LoraConfig(
        r=rank, lora_alpha=alpha, target_modules=list(targets), init_lora_weights="gaussian"
    )
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        add = getattr(network, "add_adapter", None)
        if add is not None:
            add(settings, ADAPTER)
        else:
            inject_adapter_in_model(settings, network, ADAPTER)
    for weight in network.parameters():
        if weight.requires_grad:  # in the network's bfloat16 a usual step would be lost in rounding
            weight.data = weight.data.float()


def has_adapters(network: torch.nn.Module) -> bool:
    """Whether any layer of the network carries an adapter."""
    return next(_layers(network), None) is not None


@contextmanager
def adapters_off(network: torch.nn.Module) -> Iterator[None]:
    """Inside, the network is the base that training started from."""
    layers = list(_layers(network))
    for layer in layers:
        layer.enable_adapters(False)
    try:
        yield
    finally:
        for layer in layers:
            layer.enable_adapters(True)


def lora_tensors(network: torch.nn.Module) -> dict[str, Tensor]:
    """The adapter's weights under the names of the PEFT file format."""
    from peft import get_peft_model_state_dict

    state: dict[str, Tensor] = get_peft_model_state_dict(network, adapter_name=ADAPTER)
    return {name: value.detach().contiguous().cpu() for name, value in state.items()}


def save_lora(network: torch.nn.Module, folder: Path, *, prefix: str) -> Path:
    """Write the adapter to ``folder / LORA_FILE`` for `load_lora_weights`.

    Args:
        network: Carries the adapter.
        folder: Made when missing.
        prefix: The pipeline's name for the network: ``unet`` or ``transformer``.

    Raises:
        UsageError: when there is no adapter.
    """
    if not has_adapters(network):
        raise UsageError("the network carries no adapter: nothing to save as LoRA")
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"{prefix}.{name}": value for name, value in lora_tensors(network).items()}
    settings = {
        f"{prefix}.{key}": sorted(value) if isinstance(value, set) else value
        for key, value in network.peft_config[ADAPTER].to_dict().items()  # type: ignore[index, union-attr]
    }
    metadata = {_METADATA_KEY: json.dumps(settings, sort_keys=True), "format": "pt"}
    save_file(tensors, folder / LORA_FILE, metadata=metadata)
    return folder / LORA_FILE


def _layers(network: torch.nn.Module) -> Iterator[Any]:
    from peft.tuners.tuners_utils import BaseTunerLayer

    return (module for module in network.modules() if isinstance(module, BaseTunerLayer))

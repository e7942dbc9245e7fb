"""Supervised fine-tuning on triplets: the flow-matching loss on any policy, resumable to the bit."""

from editloop.train.sft.config import (
    DropoutSettings,
    LoraSettings,
    NoiseSettings,
    RegionSettings,
    SftConfig,
    sft_preset,
)
from editloop.train.sft.log import StepReport, read_log
from editloop.train.sft.run import train_sft
from editloop.train.sft.source import ExampleSource, ShuffledExamples
from editloop.train.sft.trainer import SftTrainer, TrainingResult

__all__ = [
    "DropoutSettings",
    "ExampleSource",
    "LoraSettings",
    "NoiseSettings",
    "RegionSettings",
    "SftConfig",
    "SftTrainer",
    "ShuffledExamples",
    "StepReport",
    "TrainingResult",
    "read_log",
    "sft_preset",
    "train_sft",
]

"""Fine-tunes a vision-language judge on people's ratings, as LoRA: ImgEdit-Judge's way and NoHumansRequired's."""

from editloop.train.judge_sft.examples import JudgeExample, balanced_rows
from editloop.train.judge_sft.trainer import JudgeSftConfig, JudgeTrainer

__all__ = ["JudgeExample", "JudgeSftConfig", "JudgeTrainer", "balanced_rows"]

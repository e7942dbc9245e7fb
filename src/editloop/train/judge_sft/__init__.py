"""Fine-tunes a vision-language judge on people's ratings, as LoRA: ImgEdit-Judge's way and NoHumansRequired's."""

from editloop.train.judge_sft.config import JudgeSftConfig
from editloop.train.judge_sft.examples import BalancedDraw, JudgeExample
from editloop.train.judge_sft.trainer import JudgeTrainer

__all__ = ["BalancedDraw", "JudgeExample", "JudgeSftConfig", "JudgeTrainer"]

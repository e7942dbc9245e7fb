"""The iteration as a script over diffusers writes it, without anything of editloop: one image at a time, or a group at a time.

Flow-SDE (arXiv 2505.05470): g = eta sqrt(t / (1 - t)), step mean x + [v + g^2 / (2 t) (x + (1 - t) v)] dt, standard deviation
g sqrt(-dt); log-probabilities are means over the latent; PPO's clipped ratio.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus import calculate_shift
from torch import Tensor

from alignment.task import CLIP, Outcome, Task, flat_gradient, optimiser
from editloop.models.diffusers.families.qwen_edit_plus import picture_areas
from editloop.models.diffusers.sizes import to_pil
from editloop.models.miniatures import SIDE


@dataclass(frozen=True, slots=True)
class Encoded:
    """Text states with and against the instruction (None without guidance), packed source tokens."""

    told: Tensor
    untold: Tensor | None
    source: Tensor


@dataclass(frozen=True, slots=True)
class Step:
    """A noisy step as drawn: its index, latents before and after, mean log-probability of each image."""

    index: int
    x: Tensor
    y: Tensor
    log_probability: Tensor


class PerImage:
    """Every image for itself: condition encoded again, network called at batch 1, one backward pass an image and step."""

    def __init__(self, task: Task, window: range) -> None:
        self._task, self._window = task, window
        self._optimiser = optimiser(task)
        self._sigmas = sigmas_of(task)

    def iterate(self, outcome: Outcome) -> Outcome:
        """See `Arm`."""
        with outcome.timed("rollout"), torch.no_grad():
            drawn = [self._draw(image) for image in range(self._task.group)]
        outcome.latents = torch.cat([latents for _, _, latents in drawn])
        with outcome.timed("update"):
            self._optimiser.zero_grad()
            for image, (encoded, steps, _) in enumerate(drawn):
                advantage = self._task.advantages()[image : image + 1]
                for step in steps:
                    loss, ratio = clipped_loss(self._task, encoded, self._sigmas, step, advantage)
                    (loss / (len(steps) * self._task.group)).backward()
                    outcome.ratio_error = max(outcome.ratio_error, float((ratio - 1).abs().max()))
            self._optimiser.step()
        outcome.gradient = flat_gradient(self._task)
        return outcome

    def _draw(self, image: int) -> tuple[Encoded, list[Step], Tensor]:
        task, sigmas, steps = self._task, self._sigmas, []
        encoded = encode(task, guided=True)
        start, noise = task.noise(latent_shape(encoded), self._window)
        x = start[image : image + 1]
        for index in range(task.steps):
            v = velocity(task, x, sigmas[index].expand(1), encoded)
            if index not in self._window:
                x = x + v * (sigmas[index + 1] - sigmas[index])
                continue
            mean, std = flow_sde(x, v, sigmas, index, task.eta)
            y = mean + std * noise[index][image : image + 1]
            steps.append(Step(index, x, y, log_probability(y, mean, std)))
            x = y
        decode(task, x)
        return encoded, steps, x


class PerGroup:
    """The pipeline's own call with ``num_images_per_prompt``, noise put in by its scheduler; updates a step at a time."""

    def __init__(self, task: Task, window: range, *, guided: bool = True) -> None:
        self._task, self._window, self._guided = task, window, guided
        self._optimiser = optimiser(task)
        self._sigmas = sigmas_of(task)

    def iterate(self, outcome: Outcome) -> Outcome:
        """See `Arm`."""
        task = self._task
        with outcome.timed("rollout"), torch.no_grad():
            encoded = encode(task, guided=self._guided)
            start, noise = task.noise(latent_shape(encoded), self._window)
            scheduler = self._call_pipeline(encoded, start, noise)
        outcome.latents = scheduler.last
        with outcome.timed("update"):
            self._optimiser.zero_grad()
            for step in scheduler.drawn:
                loss, ratio = clipped_loss(task, encoded, self._sigmas, step, task.advantages())
                (loss / len(scheduler.drawn)).backward()
                outcome.ratio_error = max(outcome.ratio_error, float((ratio - 1).abs().max()))
            self._optimiser.step()
        outcome.gradient = flat_gradient(task)
        return outcome

    def _call_pipeline(
        self, encoded: Encoded, start: Tensor, noise: dict[int, Tensor]
    ) -> NoisyScheduler:
        task, pipeline = self._task, self._task.pipeline
        own = pipeline.scheduler
        scheduler = NoisyScheduler.from_config(own.config)
        scheduler.begin(noise, task.eta)
        words = {"prompt_embeds": encoded.told, "prompt_embeds_mask": ones(encoded.told)}
        if encoded.untold is not None:
            words["negative_prompt_embeds"] = encoded.untold
            words["negative_prompt_embeds_mask"] = ones(encoded.untold)
        pipeline.scheduler = scheduler
        try:
            with picture_areas(task.settings(guided=self._guided)):
                pipeline(
                    image=[to_pil(task.request.image)],
                    **words,
                    true_cfg_scale=task.guidance if self._guided else 1.0,
                    num_images_per_prompt=task.group,
                    latents=start,
                    num_inference_steps=task.steps,
                    height=SIDE,
                    width=SIDE,
                    output_type="pt",
                )
        finally:
            pipeline.scheduler = own
        return scheduler


class NoisyScheduler(FlowMatchEulerDiscreteScheduler):  # type: ignore[misc]
    """Flow matching whose steps inside a window follow Flow-SDE and are kept."""

    def begin(self, noise: dict[int, Tensor], eta: float) -> None:
        """Noise of each step of the window, (n, ...)."""
        self.noise, self.eta = noise, eta
        self.drawn: list[Step] = []
        self.last = torch.empty(0)

    def step(
        self, model_output: Tensor, timestep: Tensor, sample: Tensor, **_: Any
    ) -> tuple[Tensor]:
        """One step, as the pipeline calls it."""
        if self.step_index is None:
            self._init_step_index(timestep)
        index = self.step_index
        if index in self.noise:
            mean, std = flow_sde(sample, model_output, self.sigmas, index, self.eta)
            self.last = mean + std * self.noise[index]
            self.drawn.append(Step(index, sample, self.last, log_probability(self.last, mean, std)))
        else:
            self.last = sample + model_output * (self.sigmas[index + 1] - self.sigmas[index])
        self._step_index += 1
        return (self.last,)


def ones(states: Tensor) -> Tensor:
    """A mask that keeps every token."""
    return torch.ones(states.shape[:2], dtype=torch.long)


def encode(task: Task, *, guided: bool) -> Encoded:
    """The condition of the case by the pipeline's own encoders."""
    pipeline = task.pipeline
    picture = to_pil(task.request.image)
    told, _ = pipeline.encode_prompt(prompt=[task.request.instruction], image=[picture])
    untold = pipeline.encode_prompt(prompt=[" "], image=[picture])[0] if guided else None
    pixels = pipeline.image_processor.preprocess(picture, SIDE, SIDE).unsqueeze(2)
    spread = pipeline._encode_vae_image(pixels, None)
    _, channels, _, high, wide = spread.shape
    return Encoded(told, untold, pipeline._pack_latents(spread, 1, channels, high, wide))


def latent_shape(encoded: Encoded) -> tuple[int, ...]:
    """Of one latent: that of the source, which has the same size."""
    return tuple(encoded.source.shape[1:])


def sigmas_of(task: Task) -> Tensor:
    """Noise levels (steps + 1,) as the pipeline sets them."""
    cell = 2 * task.pipeline.vae_scale_factor
    scheduler = FlowMatchEulerDiscreteScheduler.from_config(task.pipeline.scheduler.config)
    config = scheduler.config
    mu = calculate_shift(
        (SIDE // cell) ** 2,
        config.base_image_seq_len,
        config.max_image_seq_len,
        config.base_shift,
        config.max_shift,
    )
    scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / task.steps, task.steps), mu=mu)
    sigmas: Tensor = scheduler.sigmas
    return sigmas


def velocity(task: Task, x: Tensor, sigma: Tensor, encoded: Encoded) -> Tensor:
    """The network's velocity, with guidance as the pipeline combines it."""
    told = predict(task, x, sigma, encoded.told, encoded.source)
    if encoded.untold is None:
        return told
    untold = predict(task, x, sigma, encoded.untold, encoded.source)
    mixed = untold + task.guidance * (told - untold)
    return mixed * (told.norm(dim=-1, keepdim=True) / mixed.norm(dim=-1, keepdim=True))


def predict(task: Task, x: Tensor, sigma: Tensor, words: Tensor, source: Tensor) -> Tensor:
    """One call of the transformer."""
    side = SIDE // (2 * task.pipeline.vae_scale_factor)
    count = len(x)
    made: Tensor = task.pipeline.transformer(
        hidden_states=torch.cat([x, source.expand(count, -1, -1)], dim=1),
        timestep=sigma,
        encoder_hidden_states=words.expand(count, -1, -1),
        encoder_hidden_states_mask=None,
        img_shapes=[[(1, side, side)] * 2],
        return_dict=False,
    )[0]
    return made[:, : x.shape[1]]


def flow_sde(x: Tensor, v: Tensor, sigmas: Tensor, index: int, eta: float) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of a noisy step."""
    t, t_next = sigmas[index], sigmas[index + 1]
    dt = t_next - t
    g = eta * torch.sqrt(t / (1 - (sigmas[1] if t >= 1 else t)))
    mean = x + (v + g**2 / (2 * t) * (x + (1 - t) * v)) * dt
    return mean, g * torch.sqrt(-dt)


def log_probability(y: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Mean over the latent of the Gaussian log-density, (n,)."""
    constant = torch.log(std) + 0.5 * math.log(2 * math.pi)
    return (-((y - mean) ** 2) / (2 * std**2) - constant).flatten(1).mean(1)


def clipped_loss(
    task: Task, encoded: Encoded, sigmas: Tensor, step: Step, advantage: Tensor
) -> tuple[Tensor, Tensor]:
    """PPO's clipped loss of a step, mean over its images, and the ratios (n,)."""
    v = velocity(task, step.x, sigmas[step.index].expand(len(step.x)), encoded)
    mean, std = flow_sde(step.x, v, sigmas, step.index, task.eta)
    ratio = torch.exp(log_probability(step.y, mean, std) - step.log_probability)
    clipped = ratio.clamp(1 - CLIP, 1 + CLIP)
    return torch.maximum(-advantage * ratio, -advantage * clipped).mean(), ratio.detach()


def decode(task: Task, latents: Tensor) -> Tensor:
    """Pictures (n, 3, h, w) in [-1, 1]."""
    pipeline = task.pipeline
    spread = pipeline._unpack_latents(latents, SIDE, SIDE, pipeline.vae_scale_factor)
    pictures: Tensor = pipeline.vae.decode(spread, return_dict=False)[0][:, :, 0]
    return pictures

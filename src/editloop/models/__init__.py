"""The roles models play (`roles`), and the table of adapters that can play them.

Example:
    >>> from editloop.models import available_models
    >>> "embedded:nanodet" in available_models("detector")
    True
"""

from __future__ import annotations

from typing import Any, Literal, overload

from editloop.core.errors import UnknownNameError
from editloop.core.registry import Registry, did_you_mean
from editloop.models.roles import (
    Detector,
    Editor,
    ForensicDetector,
    Generator,
    QualityModel,
    Remover,
    Segmenter,
    Tagger,
    TextEmbedder,
    TextReader,
    Vlm,
)

REGISTRIES: dict[str, Registry[Any]] = {
    role: Registry(role.replace("_", " "))
    for role in (
        "detector",
        "segmenter",
        "tagger",
        "text_embedder",
        "remover",
        "quality",
        "reader",
        "editor",
        "generator",
        "vlm",
        "forensic",
    )
}
"""Role -> spec string -> class or factory, imported on first use.

A name that ends in a colon (``openai:``) takes the rest of the spec as its one argument; others take none.
"""

for _role, _spec, _where in (
    ("detector", "embedded:nanodet", "editloop.models.detectors.nanodet:NanoDet"),
    ("segmenter", "embedded:isnet", "editloop.models.segmenters.isnet:IsNet"),
    ("segmenter", "embedded:isnet-1024", "editloop.models.segmenters.isnet:isnet_as_trained"),
    ("segmenter", "embedded:grabcut", "editloop.models.segmenters.grabcut:GrabCut"),
    ("tagger", "embedded:conse", "editloop.models.taggers.conse:Conse"),
    ("text_embedder", "embedded:wordllama", "editloop.models.text_embedders.wordllama:WordLlama"),
    ("editor", "embedded:procedural", "editloop.models.editors.procedural.editor:embedded_editor"),
    ("editor", "diffusers:", "editloop.models.diffusers.editor:DiffusersEditor"),
    ("editor", "openai:", "editloop.models.editors.served.editor:ServedEditor"),
    ("editor", "world:tiny-editor", "editloop.models.storybook.shipped:TinyEditor"),
    ("generator", "diffusers:", "editloop.models.storybook.generator:StorybookGenerator"),
    ("generator", "world:tiny-generator", "editloop.models.storybook.shipped:TinyGenerator"),
    ("reader", "embedded:ppocr", "editloop.models.readers.ppocr:PpOcr"),
    ("quality", "embedded:brisque", "editloop.models.quality.brisque:Brisque"),
    ("remover", "embedded:patchmatch", "editloop.models.removers.patchmatch:PatchMatch"),
    ("forensic", "embedded:noise", "editloop.models.forensics.noise:NoiseInconsistency"),
    ("forensic", "transformers:", "editloop.models.forensics.classifier:ImageClassifier"),
    ("forensic", "fakeshield:", "editloop.models.forensics.fakeshield:FakeShieldQuestion"),
    ("vlm", "openai:", "editloop.models.vlms.openai:OpenAiVlm"),
    ("vlm", "transformers:", "editloop.models.vlms.transformers:TransformersVlm"),
):
    REGISTRIES[_role].add(_spec, _where)


def available_models(role: str) -> list[str]:
    """The spec strings known for `role`, sorted.

    Raises:
        UnknownNameError: when there is no such role.
    """
    return list(_registry(role))


@overload
def load_model(role: Literal["detector"], spec: str) -> Detector: ...
@overload
def load_model(role: Literal["segmenter"], spec: str) -> Segmenter: ...
@overload
def load_model(role: Literal["tagger"], spec: str) -> Tagger: ...
@overload
def load_model(role: Literal["text_embedder"], spec: str) -> TextEmbedder: ...
@overload
def load_model(role: Literal["remover"], spec: str) -> Remover: ...
@overload
def load_model(role: Literal["quality"], spec: str) -> QualityModel: ...
@overload
def load_model(role: Literal["reader"], spec: str) -> TextReader: ...
@overload
def load_model(role: Literal["editor"], spec: str) -> Editor: ...
@overload
def load_model(role: Literal["generator"], spec: str) -> Generator: ...
@overload
def load_model(role: Literal["vlm"], spec: str) -> Vlm: ...
@overload
def load_model(role: Literal["forensic"], spec: str) -> ForensicDetector: ...
def load_model(role: str, spec: str) -> Any:
    """The model that `spec` names, playing `role`. Weights are fetched and opened on the first call to it.

    Args:
        role: One of `REGISTRIES`.
        spec: For example ``embedded:nanodet``.

    Raises:
        UnknownNameError: when the role or the spec is unknown; the message lists what there is.
        PrerequisiteError: when a package is missing; the message has the command that installs it.
    """
    registry = _registry(role)
    provider, colon, argument = spec.partition(":")
    if spec not in registry and f"{provider}{colon}" in registry:
        return registry.get(f"{provider}{colon}")(argument)
    return registry.get(spec)()


def _registry(role: str) -> Registry[Any]:
    if role not in REGISTRIES:
        names = sorted(REGISTRIES)
        raise UnknownNameError(
            f"no role is called {role!r}{did_you_mean(role, names)} known: {', '.join(names)}"
        )
    return REGISTRIES[role]

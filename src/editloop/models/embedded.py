"""Where the embedded adapters find their weights, and how they are identified."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from editloop.core.assets import derive_file, ensure_asset, find_asset
from editloop.core.errors import PrerequisiteError
from editloop.models.roles import ModelIdentity

_TFJS_CONVERTER_VERSION = 1
_EFFICIENTNET_CONVERTER_VERSION = 1
_ISNET_RESIZER_VERSION = 1


def identity_of_asset(spec: str, asset_name: str, code_version: int) -> ModelIdentity:
    """Identity of an adapter that runs the weights of one asset; needs neither network nor weights."""
    asset = find_asset(asset_name)
    return ModelIdentity(spec, f"{code_version}+{asset.checksum[:12]}", asset.licence)


def identity_of_package(spec: str, package: str, code_version: int, licence: str) -> ModelIdentity:
    """Identity of an adapter whose weights or algorithm are an installed package.

    Raises:
        PrerequisiteError: when the package is not installed.
    """
    try:
        version = metadata.version(package)
    except metadata.PackageNotFoundError as error:
        raise PrerequisiteError(
            f"{package} is not installed; run: pip install 'editloop[photos]'"
        ) from error
    return ModelIdentity(spec, f"{code_version}+{package}-{version}", licence)


def nanodet_onnx() -> Path:
    """The converted NanoDet."""

    def build(folder: Path, target: Path) -> None:
        from editloop.models.convert.tfjs import convert_tfjs

        convert_tfjs(folder / "nanodet.json", target)

    return derive_file("nanodet", "nanodet.onnx", _TFJS_CONVERTER_VERSION, build)


def efficientnet_onnx() -> Path:
    """The converted EfficientNet-Lite0."""

    def build(folder: Path, target: Path) -> None:
        from editloop.models.convert.efficientnet import convert_efficientnet_lite0

        convert_efficientnet_lite0(folder / "efficientnet-lite0.pth", target)

    version = _EFFICIENTNET_CONVERTER_VERSION
    return derive_file("efficientnet-lite0", "efficientnet-lite0.onnx", version, build)


def isnet_onnx(size: int) -> Path:
    """ISNet for inputs of `size` x `size` pixels."""
    from editloop.models.convert.isnet import PACKAGED_SIZE, resize_isnet

    if size == PACKAGED_SIZE:
        return ensure_asset("isnet") / "isnet.onnx"

    def build(folder: Path, target: Path) -> None:
        resize_isnet(folder / "isnet.onnx", target, size)

    return derive_file("isnet", f"isnet-{size}.onnx", _ISNET_RESIZER_VERSION, build)

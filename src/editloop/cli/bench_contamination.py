"""`editloop bench contamination`: images of a benchmark in a training set, side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from editloop.cli.progress import say
from editloop.cli.tables import print_table
from editloop.core.errors import PrerequisiteError, UsageError
from editloop.core.log import Bar, ProgressDisplay

if TYPE_CHECKING:
    from editloop.bench.contamination import Contamination, Embed, NamedImage
    from editloop.models.roles import RgbImage

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
SHOWN = 60
"""Pairs on the page and in the table; all stand in the JSON."""
THUMBNAIL = 240


def contamination(
    train: Annotated[
        Path, typer.Option(help="Training set: a data set, a run folder, or a folder of images.")
    ],
    bench: Annotated[Path, typer.Option(help="Official file of the benchmark's cases.")],
    task: Annotated[str, typer.Option(help="The benchmark.")] = "imgedit",
    images: Annotated[
        Path | None, typer.Option(help="Folder of its source images; by default that of the cases.")
    ] = None,
    embedding: Annotated[
        str, typer.Option(help="Tagger for the second comparison, or none.")
    ] = "embedded:conse",
    max_distance: Annotated[
        int,
        typer.Option(min=0, max=32, help="Bits of the 64 of a perceptual hash that may differ."),
    ] = 8,
    min_similarity: Annotated[
        float, typer.Option(min=0, max=1, help="Cosine from which on embeddings count as alike.")
    ] = 0.98,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the page with the pairs side by side.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Look for a benchmark's images in a training set, by perceptual hash (mirrored too) and by embedding."""
    from editloop.bench import contamination as search

    embed, name = _embedder(embedding)
    ours = bench_images(task, bench, images)
    with train_images(train) as theirs, ProgressDisplay("contamination") as display:
        counts: dict[str, int] = {}

        def progress(side: str, done: int) -> None:
            counts[side] = done
            display.update([Bar(name, count, None) for name, count in counts.items()])

        found = search.find_contamination(
            ours,
            theirs(),
            embed=embed,
            embedding=name,
            max_distance=max_distance,
            min_similarity=min_similarity,
            progress=progress,
        )
        if out is not None:
            say(f"page: {write_page(found, out, train.name, bench.name)}")
    if as_json:
        typer.echo(json.dumps(search.as_json(found), indent=2))
    else:
        _print(found)


def _print(found: Contamination) -> None:
    print_table(
        ["benchmark", "training set", "bits apart", "cosine", "same words", "found by"],
        [
            [
                pair.bench.name,
                pair.train.name,
                f"{pair.distance}{' mirrored' if pair.mirrored else ''}",
                "" if pair.similarity is None else f"{pair.similarity:.3f}",
                "yes" if pair.same_words else "no",
                pair.by,
            ]
            for pair in found.pairs[:SHOWN]
        ],
        numbers=("bits apart", "cosine"),
    )
    typer.echo(sentence(found))
    for problem in found.unreadable[:SHOWN]:
        say(f"left out: {problem}")


def sentence(found: Contamination) -> str:
    """The result in one line."""
    share = found.share
    alike = round(share.value * found.bench_images)
    text = (
        f"{alike} of {found.bench_images} benchmark images ({100 * share.value:.1f} %, 95 % interval {100 * share.low:.1f} "
        f"to {100 * share.high:.1f}) have a look-alike within {found.max_distance} bits among {found.train_images} training images"
    )
    if found.embedding:
        text += (
            f"; {found.by_embedding} within cosine {found.min_similarity:g} of {found.embedding}"
        )
    if found.unreadable:
        text += f"; {len(found.unreadable)} images could not be read"
    return text


def bench_images(task: str, cases: Path, images: Path | None) -> list[NamedImage]:
    """The distinct source images of a benchmark, each with the instruction of its first case."""
    from editloop.bench.contamination import NamedImage
    from editloop.bench.tasks import load_task

    folder = images or cases.resolve().parent
    found: dict[str, NamedImage] = {}
    for case in load_task(task).read_cases(cases).cases:
        if case.image and case.image not in found:
            words = " ".join(case.instructions)
            found[case.image] = NamedImage(case.image, words, _reader(folder / case.image))
    if not found:
        raise UsageError(f"{cases} names no source images: nothing to look for")
    return list(found.values())


@contextmanager
def train_images(path: Path) -> Iterator[Callable[[], Iterator[NamedImage]]]:
    """The images of a training set, sources and targets."""
    from editloop.bench.contamination import NamedImage

    files = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_ENDINGS) if path.is_dir() else []  # fmt: skip
    if files and not (path / "manifest.json").exists() and not (path / "journal.sqlite").exists():
        yield lambda: (NamedImage(str(p.relative_to(path)), "", _reader(p)) for p in files)
        return
    from editloop.cli.viewing import opened

    with opened(path) as data:

        def each() -> Iterator[NamedImage]:
            seen: set[str] = set()
            for record in data.records:
                for part, ref in (("source", record.source), ("target", record.target)):
                    if ref is not None and ref.sha256 not in seen:
                        seen.add(ref.sha256)
                        name = f"{record.provenance.origin.name or record.id} {part}"
                        yield NamedImage(name, record.instruction, lambda ref=ref: data.load(ref))  # type: ignore[misc]  # a default that binds the loop's value

        yield each


def write_page(found: Contamination, out: Path, train: str, bench: str) -> Path:
    """The pairs side by side."""
    from editloop.report.look_alikes import LookAlikePage, LookAlikes, write_look_alikes

    pairs = [
        LookAlikes(
            words=pair.bench.words or "(no instruction)",
            found=f"{pair.distance} of 64 bits apart{', mirrored' if pair.mirrored else ''}"
            + ("" if pair.similarity is None else f", cosine {pair.similarity:.3f}")
            + (", same instruction" if pair.same_words else ""),
            first=_thumbnail(pair.bench),
            first_name=pair.bench.name,
            second=_thumbnail(pair.train),
            second_name=pair.train.name,
        )
        for pair in found.pairs[:SHOWN]
    ]
    page = LookAlikePage(
        title=f"{bench} in {train}",
        lead=sentence(found) + ". A hash finds look-alikes; a person decides.",
        first_label="Benchmark",
        second_label="Training set",
        pairs=pairs,
        facts={
            "benchmark images": str(found.bench_images),
            "training images": str(found.train_images),
            "embedding": found.embedding or "none",
            "shown": f"{len(pairs)} of {len(found.pairs)} pairs",
        },
    )
    return write_look_alikes(page, out / "contamination.html")


def _thumbnail(image: NamedImage) -> RgbImage:
    import numpy as np
    from PIL import Image

    from editloop.core.images import decode_image

    picture = Image.fromarray(decode_image(image.read()).pixels)
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    return np.asarray(picture)


def _reader(path: Path) -> Callable[[], bytes]:
    from editloop.core.images import read_image_file

    return lambda: read_image_file(path)


def _embedder(spec: str) -> tuple[Embed | None, str]:
    if spec in ("", "none"):
        return None, ""
    from editloop.bench.contamination import tag_profile
    from editloop.models import load_model

    try:
        tagger = load_model("tagger", spec)
        identity = tagger.identity
    except PrerequisiteError as error:
        say(f"compared by hash alone: {error}")
        return None, ""
    return tag_profile(tagger), f"{identity.name} {identity.version}"

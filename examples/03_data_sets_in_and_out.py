"""Somebody else's data set in, three of ours out, and a question to the Parquet one.

It writes the folders ``example_release`` (four samples as ImgEdit publishes them) and ``example_out`` into the current one.
"""

import io
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

from editloop.records.formats import export, read_dataset, verify_export

release, out = Path("example_release"), Path("example_out")


def draw(ball: str | None) -> bytes:
    scene = Image.new("RGB", (256, 192), "#dfe7ef")
    if ball:
        ImageDraw.Draw(scene).ellipse((90, 60, 170, 140), fill=ball)
    buffer = io.BytesIO()
    scene.save(buffer, "JPEG")
    return buffer.getvalue()


# ImgEdit's rows: input images, output images, prompt. One file a kind of edit; the name says which.
samples = {
    "remove_part0": [("crimson", None, "Remove the red ball."), ("gold", None, "No ball, please.")],
    "adjust_canny_part0": [("crimson", "royalblue", "Make the ball blue.")],
    "hybrid_part0": [("gold", "green", "Remove the yellow ball and add a green one.")],
}
(release / "Parquet").mkdir(parents=True, exist_ok=True)
for name, edits in samples.items():
    rows = [
        {"input_images": [draw(before)], "output_images": [draw(after)], "prompt": prompt}
        for before, after, prompt in edits
    ]
    pq.write_table(pa.Table.from_pylist(rows), release / "Parquet" / f"{name}.parquet")

dataset = read_dataset(release)
print(f"a data set in the layout {dataset.layout!r}:")
for record in dataset:
    print(
        f"  {record.edit_type:8} {record.instruction:45} source of {len(dataset.load(record.source)):,} bytes"
    )

for layout in ("parquet", "webdataset", "folder"):
    manifest = export(dataset, dataset.load, out / layout, layout)
    problems = verify_export(out / layout) or ["every checksum fits"]
    print(
        f"{layout}: {manifest.records} triplets, {manifest.image_bytes:,} bytes of images; {problems[0]}"
    )

question = "SELECT edit_type, count(*) FROM read_parquet(?) GROUP BY edit_type ORDER BY 1"
print(duckdb.execute(question, [str(out / "parquet" / "data" / "*.parquet")]).fetchall())

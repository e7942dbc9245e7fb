"""One reader and writer per public data set layout; `export` and `read_dataset` choose among them."""

from editloop.records.formats.dataset import Dataset, Skip
from editloop.records.formats.export import ExportManifest, export, read_dataset, verify_export

__all__ = ["Dataset", "ExportManifest", "Skip", "export", "read_dataset", "verify_export"]

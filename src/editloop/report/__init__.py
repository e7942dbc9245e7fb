"""Static pages that open from disk: a run, a data set, a contact sheet.

Nothing here reads a run folder: callers fill a `ReportInput`, and `write_report` makes the page.
"""

from editloop.report.contact_sheet import contact_sheet
from editloop.report.data import Failure, RejectedRecord, ReportInput, StageCounts
from editloop.report.page import write_report

__all__ = [
    "Failure",
    "RejectedRecord",
    "ReportInput",
    "StageCounts",
    "contact_sheet",
    "write_report",
]

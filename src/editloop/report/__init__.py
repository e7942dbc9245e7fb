"""Static pages that open from disk: a run, a data set, a contact sheet.

Nothing here reads a run folder: callers fill a `ReportInput` and `write_report` makes the page.
"""

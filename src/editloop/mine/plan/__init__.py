"""Which edits a photograph gets: candidate rules, donors, and one planner an edit type."""

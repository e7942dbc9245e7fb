"""The page on which people rate edits: sheets, items, who sees what, answers that survive a crash, exports."""

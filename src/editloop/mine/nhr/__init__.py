"""The mining recipe `nhr`: NoHumansRequired's prompt-to-triplet pipeline (arXiv 2507.14119), role by role.

prompts -> N drawn sources -> plausibility gate -> M tries an edit -> soft filter -> low-level check -> hard validator ->
best try -> inversion -> composition -> backward consistency
"""

"""The mining recipe `realpref`: RealPref-50K's way to cases worth practising on (HP-Edit, arXiv 2604.19406).

eight tasks, object categories even -> the editor's own try (D) -> scorer -> what it solves already is dropped (D-dagger)
"""

"""The mining recipe `rewardedit`: RewardEdit-20K's imperfect triplets, judged on three perspectives (arXiv 2411.04713).

triplets, flawed as they are -> judge -> three scores of 0 to 5 and three faults in words; nothing is repaired or discarded
"""

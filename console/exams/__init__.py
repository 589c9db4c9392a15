"""The timed exam: papers drawn from a committed seed, answers saved as they are given, graded at once.

Owns `paper`, `attempt` and `answer`. Questions live in releases.
"""

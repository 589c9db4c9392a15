"""What is wrong with the house and what to do about it: each look is a sentence about one thing it stands on, and a cure. Changes nothing.

`finding.py` is what a look is; `ground.py`, `database.py`, `work.py`, `content.py` look; `examination.py` asks all of them, also when half the house is down.
"""

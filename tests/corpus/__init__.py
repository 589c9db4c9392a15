"""Stored decisions, kept for ever: release, facts, and the trace in every format. `tests/rules/test_corpus.py` makes them again.

Entries are added by `python -m tests.corpus.add` and never rewritten: an engine that would alter one alters decisions that people hold in
their hands. A change of rules needs no change here; a new trace format is added beside the old ones, in new files.
"""

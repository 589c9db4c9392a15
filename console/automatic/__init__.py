"""What happens by itself (自动规则): the list of it, what each rule would do next, and the brake that stops it.

A rule is declared by the room whose job carries it out (`AUTOMATIC` in its `jobs.py`); the mechanism of the brake is `console.jobs`. Beside the
ground: knows no room. Read docs/automatic.md.
"""

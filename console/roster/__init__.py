"""The experts: who is in, for which specialties, until when, and how they stand.

Owns `roster_entry`, `roster_specialty` and `roster_event`. Standing is per department and specialty; a joint restriction
is its own row in `applications`.
"""

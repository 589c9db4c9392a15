"""Who is competent and under which rules: divisions, departments, offices, reference data, releases and their events.

Trunk. Leaves files and people to `applications`. A release's content is immutable; its states are rows.
"""

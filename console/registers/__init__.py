"""Registers: lists that departments keep beside the files, made from a declaration alone — table, screens, moves, public page.

What a register is stands in `rules/registers.py`; which registers there are stands in the database (`register_definition`), written by the
migration that made the table. Needs the trunk and the ground; nobody needs it but the doors.
"""

"""Rows of any screen that leave as a file, and files that come in as rows: asked for on a page, done by a job as the person who asked.

A file that leaves has what its reader sees, secrets never in full; it waits for its asker a day behind a signed address, and is erased.
A file that comes in is read and checked first, changes nothing until its sender says yes, and then enters whole or not at all. What a
screen lets out and takes is its declaration's (`console.crud.screen`); what rows may be read and written is the wall's.
"""

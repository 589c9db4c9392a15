"""Taking the house along: database, files and, apart from both, the keys; putting it back; and proving that what came back is whole.

A backup is a folder that explains itself (`manifest.py`). It is read in one snapshot of the database (`snapshot.py`), dumped and restored by
PostgreSQL's own programs (`programs.py`), with the files beside it under the hash of their content (`content.py`). docs/backup.md is the manual.
"""

"""Base data: the public frame every file hangs in (divisions, offices, specialties, calendar, codes, regulations).

`data/` holds the tables, `tables.py` says what they look like, `rows.py` reads them strictly, `base.py` loads them.
"""

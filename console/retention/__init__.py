"""How long personal data is kept: periods as data, legal holds that stop the clock, the daily run, and the report of what went and why.

The classes of data are announced by the rooms (`console.erasure`); what erasing means for a row is written in the database function
`ruku_erase`. This room knows neither files nor letters.
"""

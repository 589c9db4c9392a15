"""Parameters, decision tables, questions and letters as one workbook, out and back: its sheets (`layout`), cells (`cells`), the look at a file
before anything opens it (`guard`), row by row against the documents (`merge`), and the whole (`workbook`). No database here.
"""

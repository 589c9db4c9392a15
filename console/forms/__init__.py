"""Rules fields as WTForms: one class of field per shape of answer, one widget per kind, one form class per section and release.

What may be answered, and what is wrong with an answer, is known to `rules.forms` alone. Here an answer is read from a
request as it was typed and shown again as it was typed. Names in a form are the paths of the answers (`work_periods.0.employer`).
"""

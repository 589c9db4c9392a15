"""Applicants, their files, and the one road an admission travels.

Trunk. Owns applicant, application, attachment and admission, and `pipeline.advance()`, the only writer of
`admission.step`. What happens at a step (reviews, exams, notices, the roster) belongs to the branches.
"""

"""Entry training: the units of a department's release and how far each applicant has come.

Owns `course_progress`. Leaves the exam to `exams`.
"""

"""Letters and how they reach people.

Owns `letter` and `delivery`. A letter is written from the department's text with the facts of the moment, in the transaction
of what it tells about or right after it from the outbox; a delivery carries it on one channel, and its record says
how it fared. Also whose machines are told of events (`webhook`), and the morning mail of officers (`staff_digest`).
"""

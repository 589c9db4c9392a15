"""Letters and how they reach people.

Owns `letter` and `delivery`. A letter is written from the department's text with the facts of the moment, in the transaction
of what it tells about or right after it from the outbox; a delivery is one attempt on one channel.
"""

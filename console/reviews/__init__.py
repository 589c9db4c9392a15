"""First and second review: who holds a file, what they checked, what they decided.

Owns `review`. Moving the file is asked of `applications.pipeline`; letters are written by `notifications` from the topic.
"""

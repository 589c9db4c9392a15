"""Public notices and what is said against them.

Owns `notice`, `notice_item` and `objection`. The names shown are a frozen, hashed copy. Closing a notice asks
`applications.pipeline` to admit who is not held; entering the roster is `roster`'s.
"""

"""工作看板: the numbers that lead to work, each a link to its rows.

This room owns what a number is (a list, and what is asked of it), how numbers are counted and how they are drawn. Which numbers there are, the
rooms say in their `boards.py`; what a list asks of a row stays with the list, and the number is counted by that and by nothing else.
"""

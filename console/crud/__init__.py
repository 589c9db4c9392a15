"""The generic CRUD machine: a room declares a `Screen`, one base view over Flask-AppBuilder makes its pages.

Leaves every rule to the rooms: a screen lists, shows and edits; what must not be edited by hand has no form.
"""

"""Changing the rules: drafts and their revisions, checks, cases, replay on past files, publication by a second person, rollback, and
bundles that travel. What is in force is `departments`' to say; what a file met is `applications`'.
"""

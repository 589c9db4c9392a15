"""Who is signed in and what they were granted: staff grants, sessions of both doors, codes sent to prove a phone.

Leaves people's files to `applications`; a grant is the only source of a role.
"""

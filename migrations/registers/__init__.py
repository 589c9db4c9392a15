"""Tables made from the declarations of registers, one line of migrations for each register. `python -m console registers` writes and applies them."""

VERSIONS = "alembic_version_registers"

"""Numbered steps of the schema; `console.schema` runs them."""

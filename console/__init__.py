"""Ruku 入库: the console, the portal and the jobs of a provincial pool of bid-evaluation experts."""

"""Signed cookies: no client of their own. The row that can end a session is one more SELECT."""

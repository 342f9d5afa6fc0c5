"""The books (账目): lists and statements for partners, totals for publishers, and what must hold."""

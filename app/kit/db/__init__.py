"""PostgreSQL: the pool and ``transaction()``, migrations and partitions, group commit, catalogues, the audit chain."""

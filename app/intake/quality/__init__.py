"""How sources fare (报送质量): what came in, what stayed behind, what was late, and whether it turned bad.

Counted by source and day in the transaction that stores the rows; judged beside the days before.
"""

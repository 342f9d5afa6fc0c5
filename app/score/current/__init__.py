"""Current scores and their history: rescored in the transaction of what moved them, read, explained."""

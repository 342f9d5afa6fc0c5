"""Scenarios (应用场景): where benefits may be used, proposed by one official of the centre and confirmed by another."""

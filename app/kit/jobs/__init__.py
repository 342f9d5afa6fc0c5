"""What happens beside requests: jobs asked for and done, long work that leaves room for others."""

"""The town's institutions with stores, terminals, keys, staff and campaigns, made by the real actions."""

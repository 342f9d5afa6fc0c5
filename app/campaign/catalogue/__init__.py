"""The catalogue (激励目录): the benefits in force, as every process holds them in memory."""

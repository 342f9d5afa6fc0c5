"""What reviewers of campaigns and of scenarios share: flagged words are acknowledged, a rejection says why."""

"""Rule books on their way into force (草稿): written with examples, submitted, approved by a second official."""

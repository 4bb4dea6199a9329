"""Who has reserved what."""

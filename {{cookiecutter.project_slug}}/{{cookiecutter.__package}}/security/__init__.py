"""What protects every route alike."""

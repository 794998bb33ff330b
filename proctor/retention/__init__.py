"""What expires when, and what is erased: the end of the line."""

"""What must hold whatever happened, over worlds that are drawn at random."""

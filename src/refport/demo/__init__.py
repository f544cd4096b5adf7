"""A believable half-year of a small business, played through the real host."""

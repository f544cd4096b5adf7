"""Where the books are kept: in memory, or in a database. One contract suite holds for both."""

"""What stands between the core and the world: one package per technology, none knowing another."""

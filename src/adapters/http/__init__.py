"""The HTTP host: routes, the error table, the gatherer of batches. It translates and decides nothing."""

"""One use case per module; a handler gets a transaction and cannot commit it."""

"""Books in memory: for embedders, tests and the demonstration of the contract. Nothing outlives the process."""

from adapters.persistence.memory.unit_of_work import MemoryUnitOfWork

__all__ = ["MemoryUnitOfWork"]

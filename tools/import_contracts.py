"""A contract for import-linter: a package may import what it lists, the standard library, and nothing else.

The `forbidden` contract that comes with import-linter names what is not allowed, so a library that nobody thought of
passes. The table in docs/architecture.md says what *is* allowed, and so does this.
"""

from __future__ import annotations

import sys
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class Only(Contract):
    """Each module in `packages` imports directly only from `packages`, from `allowed` and from the standard library."""

    packages = fields.ListField(subfield=fields.StringField())
    allowed = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002  # import-linter's signature
        packages = [str(name) for name in self.packages]  # type: ignore[attr-defined]  # fields become their values
        known = [*packages, *(str(name) for name in self.allowed)]  # type: ignore[attr-defined]  # as above
        if empty := [name for name in packages if name not in graph.modules]:
            return ContractCheck(kept=False, metadata={"missing": empty})
        importers = [name for name in graph.modules if any(is_within(name, package) for package in packages)]
        broken = sorted(
            (importer, imported)
            for importer in importers
            for imported in graph.find_modules_directly_imported_by(importer)
            if not is_standard_library(imported) and not any(is_within(imported, name) for name in known)
        )
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        metadata: dict[str, Any] = dict(check.metadata)
        for name in metadata.get("missing", ()):
            output.print_error(f"there is no package {name}, so the contract would protect nothing")
        for importer, imported in metadata.get("broken", ()):
            output.print_error(f"{importer} may not import {imported}")


def is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def is_standard_library(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names

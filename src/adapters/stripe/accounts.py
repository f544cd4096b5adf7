"""Whose a key is."""

import re
from typing import Final

from attrs import frozen

from adapters.stripe.asking import Asking, Question, StripeProblem, Trouble
from adapters.stripe.lookups import ApiAccess

NAMED: Final = re.compile(r"on account '(acct_[A-Za-z0-9_]+)'")


@frozen
class StripeAccounts:
    """Asks for the account of a key."""

    asking: Asking

    def account_of(self, api_key: str) -> str:
        """The account's id. Raises ``StripeProblem``.

        A restricted key often may not read its own account; Stripe's refusal names it all the same.
        """
        try:
            answer = self.asking.one(ApiAccess(api_key=api_key), Question("get", "/v1/account"))
        except StripeProblem as problem:
            named = NAMED.search(problem.words)
            if problem.trouble is Trouble.PERMISSION and named is not None:
                return named[1]
            raise
        return named_in(answer, "id", "acct_")


def named_in(answer: dict[str, object], key: str, prefix: str) -> str:
    """A text of an answer. Raises ``StripeProblem`` where there is none."""
    value = answer.get(key)
    if not isinstance(value, str) or not value.startswith(prefix):
        raise StripeProblem(Trouble.SILENT, f"Stripe's answer names no {key}.")
    return value

"""Whose a Stripe API key is: the one question that is asked within a request, for ten seconds at most."""

from typing import Final

import stripe
from attrs import frozen

from refport_core.errors import InvalidRequest

LIMIT_SECONDS: Final = 10


@frozen
class StripeAccounts:
    """Asks Stripe, or whoever answers at ``api_base``."""

    api_base: str | None = None

    def account_of(self, api_key: str) -> str:
        """The account's id. Raises ``InvalidRequest`` where Stripe refuses the key, or does not answer
        in time."""
        client = stripe.StripeClient(
            api_key,
            base_addresses={"api": self.api_base} if self.api_base else {},
            http_client=stripe.RequestsClient(timeout=LIMIT_SECONDS),
            max_network_retries=0,
        )
        try:
            account = client.v1.accounts.retrieve_current()
        except (stripe.AuthenticationError, stripe.PermissionError) as error:
            raise InvalidRequest(
                "Stripe does not accept this apiKey, or the key may not read its account: give a restricted key read "
                "access to accounts, or connect without apiKey."
            ) from error
        except stripe.StripeError as error:
            raise InvalidRequest(
                "Stripe could not be asked whose this apiKey is; send the same again, or connect without apiKey."
            ) from error
        return str(account.id)

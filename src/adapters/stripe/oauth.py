"""Connecting an account to this platform: https://docs.stripe.com/connect/oauth-reference.

The tokens that Stripe grants are not kept: the platform's own key, with the account's id beside it, does the same.
"""

from typing import Final
from urllib.parse import urlencode

from attrs import frozen

from adapters.stripe.accounts import named_in
from adapters.stripe.asking import Asking, Question
from adapters.stripe.lookups import ApiAccess
from refport_core.scope import Mode

SCOPE: Final = "read_only"  # we never write to an account, and one that is read may be connected elsewhere too


@frozen
class Authorized:
    """The account whose owner agreed, and in which mode."""

    account: str
    mode: Mode


@frozen
class StripeOAuth:
    """The three calls of OAuth."""

    asking: Asking

    def address(self, client_id: str, state: str, redirect_uri: str) -> str:
        """Where somebody agrees to connect their account; they come back to ``redirect_uri``."""
        query = {
            "response_type": "code",
            "client_id": client_id,
            "scope": SCOPE,
            "state": state,
            "redirect_uri": redirect_uri,
        }
        return f"{self.asking.connect_base}/oauth/authorize?{urlencode(query)}"

    def redeem(self, platform_key: str, code: str) -> Authorized:
        """What the code that they brought back stands for; it is good once. Raises ``StripeProblem``."""
        params = {"grant_type": "authorization_code", "code": code}
        answer = self.asking.one(
            ApiAccess(api_key=platform_key), Question("post", "/oauth/token", params, base="connect")
        )
        mode = Mode.LIVE if answer.get("livemode") is True else Mode.TEST
        return Authorized(named_in(answer, "stripe_user_id", "acct_"), mode)

    def revoke(self, platform_key: str, client_id: str, account: str) -> None:
        """The platform has no access to the account any more. Raises ``StripeProblem``."""
        params = {"client_id": client_id, "stripe_user_id": account}
        self.asking.one(ApiAccess(api_key=platform_key), Question("post", "/oauth/deauthorize", params, base="connect"))

"""What the stand-in for Stripe knows: accounts, their keys, platforms and who is connected to them."""

from collections.abc import Iterable
from itertools import count

from attrs import define, field, frozen

from refport_core.scope import Mode

PERMISSIONS = {
    "account": "accounts_kyc_basic",
    "charges": "charge",
    "checkout/sessions": "checkout_session",
    "customers": "customer",
    "events": "event",
    "invoice_payments": "invoice",
    "invoices": "invoice",
    "payment_intents": "payment_intent",
    "payment_links": "payment_link",
    "refunds": "charge",
    "subscriptions": "subscription",
    "webhook_endpoints": "webhook",
}


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@frozen
class Key:
    """``permissions`` are ``None`` of a secret key, which may do everything."""

    account: str
    mode: Mode
    permissions: frozenset[str] | None = None

    def allows(self, collection: str, *, writes: bool) -> str | None:
        """The permission that is lacking, if one is."""
        wanted = f"rak_{PERMISSIONS.get(collection, collection)}"
        enough = {f"{wanted}_write"} if writes else {f"{wanted}_read", f"{wanted}_write"}
        if self.permissions is None or enough & self.permissions:
            return None
        return f"{wanted}_{'write' if writes else 'read'}"


@frozen
class Platform:
    """An application of a platform's account, in one mode."""

    client_id: str
    account: str
    mode: Mode
    redirect_uris: tuple[str, ...]


@define
class Books:
    """``grants`` are codes that nobody has redeemed yet; ``connected`` says which account is connected to which
    platform's account, in which mode."""

    accounts: dict[str, str] = field(factory=dict)
    keys: dict[str, Key] = field(factory=dict)
    platforms: dict[str, Platform] = field(factory=dict)
    grants: dict[str, tuple[Platform, str]] = field(factory=dict)
    connected: set[tuple[str, str, Mode]] = field(factory=set)
    numbers: "count[int]" = field(factory=lambda: count(1))

    def account(self, account: str, name: str) -> str:
        self.accounts[account] = name
        return account

    def key(self, account: str, mode: Mode = Mode.TEST, permissions: Iterable[str] | None = None) -> str:
        """A new key: a secret one, or one with these permissions alone."""
        kind = "sk" if permissions is None else "rk"
        made = f"{kind}_{mode}_{account.removeprefix('acct_')}{next(self.numbers)}"
        self.keys[made] = Key(account, mode, None if permissions is None else frozenset(permissions))
        return made

    def platform(self, client_id: str, account: str, mode: Mode, *redirect_uris: str) -> Platform:
        self.platforms[client_id] = Platform(client_id, account, mode, redirect_uris)
        return self.platforms[client_id]

    def asked_about(self, key: Key, account: str | None) -> str:
        """The account that a request is about. Raises ``Refusal``."""
        if account is None or account == key.account:
            return key.account
        if (key.account, account, key.mode) not in self.connected:
            raise Refusal(403, "account_invalid", f"The provided key does not have access to account '{account}'.")
        return account

    def platforms_of(self, account: str, mode: Mode) -> Iterable[tuple[str, Mode]]:
        """Whose endpoints hear of an account: test events of an account that is connected in live mode go to the
        live endpoints too."""
        for platform, each, connected_in in self.connected:
            if each == account and mode in {connected_in, Mode.TEST}:
                yield platform, connected_in


def lacks(key: str, account: str, permission: str) -> Refusal:
    """As Stripe says it."""
    return Refusal(
        403,
        "more_permissions_required",
        f"The provided key '{key[:8]}...{key[-4:]}' does not have the required permissions for this endpoint on "
        f"account '{account}'. Having the '{permission}' permission would allow this request to continue.",
    )

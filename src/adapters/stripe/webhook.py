"""Stripe's way in: raw body and signature header in, a delivery or a refusal out."""

from collections.abc import Mapping
from datetime import datetime

from stripe import WebhookSignature

from adapters.stripe.connections import Connections
from adapters.stripe.deliveries import delivery_of, is_event
from adapters.stripe.document import Document, read_document
from adapters.stripe.text import is_usable_name
from adapters.stripe.understanding import Circumstances, mode_of, text_of
from adapters.stripe.vault import Vault
from refport_core.commands import Delivery
from refport_core.errors import InvalidSignature, MalformedEvent, NotFound
from refport_core.scope import Mode

CONNECT = "connect"
SIGNATURE = "stripe-signature"
TOLERANCE_SECONDS = 300
LONGEST_SIGNATURE = 4096  # characters; one secret takes about seventy


class StripeWebhook:
    """The port ``Webhook`` for Stripe: merchants' own endpoints, and a Connect platform's.

    ``connect_secrets`` are the signing secrets of the platform's endpoints that the settings name, beside those that
    ``connections`` know: the live one may carry events of both modes, the test one only those of test mode.
    """

    def __init__(self, connections: Connections, vault: Vault, connect_secrets: Mapping[Mode, tuple[str, ...]]) -> None:
        self._connections = connections
        self._vault = vault
        self._connect_secrets = connect_secrets

    def read(
        self, connection_id: str, body: bytes, headers: Mapping[str, str], now: datetime, *, may_wait: bool = True
    ) -> Delivery:
        """As the port says. Raises ``Unavailable`` too, where a connection's secrets cannot be decrypted."""
        signature = headers.get(SIGNATURE, "")
        if connection_id == CONNECT:
            return self._read_connect(body, signature, now, may_wait=may_wait)
        return self._read_own(connection_id, body, signature, now, may_wait=may_wait)

    def _read_own(self, connection_id: str, body: bytes, signature: str, now: datetime, *, may_wait: bool) -> Delivery:
        usable = is_usable_name(connection_id)
        connection = self._connections.by_id(connection_id, may_wait=may_wait) if usable else None
        if connection is None or connection.provider != "stripe" or connection.kind != "own" or connection.ended_at:
            raise NotFound("There is no such Stripe connection.")
        secrets = tuple(self._vault.decrypt(secret) for secret in connection.secrets)
        if not is_signed(body, signature, secrets):
            raise InvalidSignature("No signing secret of this connection made the Stripe-Signature of this body.")
        refuse_old(signature, now)
        given = Circumstances(scope=connection.scope, mode=connection.scope.mode, account=connection.account)
        return delivery_of(event_document(body), body, given, connection_id=connection.id, now=now)

    def _read_connect(self, body: bytes, signature: str, now: datetime, *, may_wait: bool) -> Delivery:
        secrets = self._platform_secrets(may_wait=may_wait)
        if not any(secrets.values()):
            raise NotFound("No signing secret of a Connect platform is set.")
        signed_for = next((mode for mode in Mode if is_signed(body, signature, secrets[mode])), None)
        if signed_for is None:
            raise InvalidSignature("No signing secret of the platform made the Stripe-Signature of this body.")
        refuse_old(signature, now)
        document = event_document(body)
        account, livemode = text_of(document.members, "account"), document.members.get("livemode")
        if account is not None and not is_usable_name(account):
            account = None
        mode = mode_of(livemode) if isinstance(livemode, bool) and signed_for is Mode.LIVE else signed_for
        connection = self._connections.of_account(account, mode, may_wait=may_wait) if account else None
        given = Circumstances(scope=connection.scope if connection else None, mode=mode, account=account)
        return delivery_of(document, body, given, connection_id=connection.id if connection else None, now=now)

    def _platform_secrets(self, *, may_wait: bool) -> dict[Mode, tuple[str, ...]]:
        """Those of the settings, and those of endpoints that this host registered itself."""
        kept = self._connections.platform_secrets(may_wait=may_wait)
        return {
            mode: (*self._connect_secrets.get(mode, ()), *map(self._vault.decrypt, kept.get(mode, ()))) for mode in Mode
        }


def event_document(body: bytes) -> Document:
    """Raises ``MalformedEvent`` where a signed body is no event."""
    document = read_document(body)
    if not is_event(document.members):
        raise MalformedEvent("The body is no snapshot event: it needs an `id` and a `type`, both texts.")
    return document


def is_signed(body: bytes, signature: str, secrets: tuple[str, ...]) -> bool:
    """Whether one of these secrets signed these bytes, whenever that was."""
    return len(signature) <= LONGEST_SIGNATURE and any(is_signed_with(secret, body, signature) for secret in secrets)


def is_signed_with(secret: str, body: bytes, signature: str) -> bool:
    try:
        WebhookSignature.verify_header(body, signature, secret, tolerance=None)
    except Exception:  # noqa: BLE001 - it raises several kinds on crafted input, and whatever it raises, it is no yes
        return False
    return True


def refuse_old(signature: str, now: datetime) -> None:
    """The verifier would ask the machine for the time, so the age is judged here: a good signature was made at most
    five minutes ago (by ``now``), or in the future. The first ``t`` is the one that was signed."""
    made_at = int(next(item.split("=", 2)[1] for item in signature.split(",") if item.split("=", 2)[0] == "t"))
    if made_at < now.timestamp() - TOLERANCE_SECONDS:
        raise InvalidSignature("The Stripe-Signature is more than five minutes old: send the event anew, check clocks.")

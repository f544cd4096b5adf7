"""The client for a merchant's server: reports leads and sales, opens portals for partners.

```python
from refport.client import Refport, click_id_from_request

refport = Refport("rk_live_…", base_url="https://refer.example.com")
if click_id := click_id_from_request(request):
    refport.track.lead(click_id=click_id, event_name="Sign Up", customer_external_id=user.id)
```

``AsyncRefport`` is the same with ``await``. `pip install "refport[client]"` brings httpx and nothing of the host.
"""

from refport.client.click_ids import COOKIE, click_id_from_cookie, click_id_from_request
from refport.client.clients import AsyncRefport, Refport
from refport.client.errors import (
    AuthError,
    ConflictError,
    ConnectionFailedError,
    InvalidClickIdError,
    InvalidResponseError,
    NotFoundError,
    RateLimitError,
    RefportError,
    UnavailableError,
    ValidationError,
)
from refport.client.kinds import Partner, Processor
from refport.client.results import Click, Customer, EmbedToken, Link, Sale, TrackedLead, TrackedSale

__all__ = [
    "COOKIE",
    "AsyncRefport",
    "AuthError",
    "Click",
    "ConflictError",
    "ConnectionFailedError",
    "Customer",
    "EmbedToken",
    "InvalidClickIdError",
    "InvalidResponseError",
    "Link",
    "NotFoundError",
    "Partner",
    "Processor",
    "RateLimitError",
    "Refport",
    "RefportError",
    "Sale",
    "TrackedLead",
    "TrackedSale",
    "UnavailableError",
    "ValidationError",
    "click_id_from_cookie",
    "click_id_from_request",
]

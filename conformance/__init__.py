"""Named stories: what Stripe and the merchant say, and the books as they must be, whatever the order of saying."""

"""The shapes of Stripe's objects in both payload eras, and the facts that each of them states.

Where an era moved something (2025-03-31, "basil", moved most), a named accessor finds it by its shape, never by the
version: the events of an old endpoint, those of a new one and what the API answers meet in one payment.
"""

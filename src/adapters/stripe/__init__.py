"""Stripe: signed events in, facts out; and the questions that only its API can answer."""

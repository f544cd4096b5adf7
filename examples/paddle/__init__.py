"""Paddle Billing as another payment processor: its events in, the core's facts out."""

"""`customer.subscription.trial_will_end`: a reminder for the merchant."""

from adapters.stripe.statement import StripeEvent, Translation, ignored


def customer_subscription_trial_will_end(event: StripeEvent) -> Translation:  # noqa: ARG001 - as every translator
    return ignored("TRIAL_REMINDER")

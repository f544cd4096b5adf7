"""Referral attribution and commissions: facts in, positions and ledger differences out. Framework-free."""

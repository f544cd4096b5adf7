"""A second reading of the rules, written apart from the core and slow on purpose: the properties compare the two.

It shares with the core the values that both speak of (facts, programs, money, scope) and nothing else; an import
contract says so. Every answer is found by looking through the whole set of facts.
"""

"""Providers and phones that are none: for tests, for measuring, and for training without sending anything.

A simulated provider keeps its own log on disk, apart from our database, so that the two can be compared.
"""

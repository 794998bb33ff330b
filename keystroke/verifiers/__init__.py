"""Verifiers: a person's stored sums and fresh sums in, a comparison score out."""

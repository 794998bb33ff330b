"""Trained models shared by all: registry, cards, recipes. A person's reference is never here."""

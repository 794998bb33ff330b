"""Faces in one image: found, judged for quality, turned into templates."""

"""Keystroke dynamics: timings of zones on the keyboard in, comparison scores out.

Neither key codes nor text enter this package.
"""

"""Supervised tasks: one folder a task, ``spec.py`` without torch and ``model.py`` with it.

A new task is a new folder and a line in ``TaskSection`` (``tasks/union.py``).
"""

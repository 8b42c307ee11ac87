"""Markup, broken Unicode and boilerplate go; what is left is judged (``quality``)."""

"""One small file a format: each opens a file as a ``Source`` that streams records and names their places.

``opening.open_sources`` finds out which format it is. Nothing here knows what a record means.
"""

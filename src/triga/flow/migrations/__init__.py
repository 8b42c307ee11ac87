"""The registry's schema, step by step (Alembic). Forward only: the way back is the backup made before.

To change the schema: change ``registry/tables.py``, add ``versions/schema_<next>.py`` by hand, run the migration tests;
they compare the two and say what differs.
"""

"""A recipe's stages in order: skip what is unchanged, record lineage, keep the registry."""

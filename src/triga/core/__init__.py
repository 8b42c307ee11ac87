"""What every other room stands on: errors, durable files, artifacts, events, the workspace and the recipe base.

Nothing here knows about models; nothing here imports torch.
"""

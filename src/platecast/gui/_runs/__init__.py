"""Tab *Runs*: pipelines in progress."""

"""Training: windows to features, models, fitting, evaluation, the registry and the model card."""

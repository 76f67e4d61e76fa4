"""Windows to features, models, fitting, evaluation, registry and model card."""

"""How good is it? Nats and bits a character, by two named protocols; knows nothing of training."""

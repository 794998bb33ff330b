"""How the numbers and weights of the registry were made; nobody imports these."""

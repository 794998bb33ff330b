"""Pure biometrics: numpy arrays in, numbers out. No clock, no log, no threads."""

"""Before it is real: rule tests and replay, the service's own code on a clock of their own."""

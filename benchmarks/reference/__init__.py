"""The main program, phase by phase: this library, hand-written arrays, and modelling peers."""

"""The numeric half of symstep: running in NumPy what `derive` has derived. Empty today; the name is reserved here."""

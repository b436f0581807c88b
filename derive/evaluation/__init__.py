"""Evaluation at points, in exact rationals and rigorous enclosures: what the second judge and witnesses stand on.

It shares no normal form with the kernel: values, derivatives and optima are computed at a point, and nothing is
rewritten. From the bottom up: enclosure and reals (numbers), jets (derivatives), values, evaluate, piecewise and optima
(argmin as a set), facts and points (places that satisfy the assumptions), outcome (a claim at a place).
"""

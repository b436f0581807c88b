"""The trusted base: standard library only, small enough to read in an hour. Start with terms.py, end with check.py."""

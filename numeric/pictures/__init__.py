"""The pictures: each is drawn by running formulas of the library, and says in words and numbers what it shows."""

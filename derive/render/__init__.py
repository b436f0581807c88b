"""Renderers: leaves that turn judged derivations and decks into text. Nobody imports them but the command."""

from derive.render.display import render

__all__ = ["render"]

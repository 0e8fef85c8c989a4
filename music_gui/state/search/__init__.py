"""The search box without its window: what was typed, who knows about it, what was found.

A source is any object with ``title`` and ``search`` (`SearchSource`); `Search` asks all of them.
Variants and genes become two more.
"""

from music_gui.state.search.result import SearchResult, SearchSource
from music_gui.state.search.search import Search, make_search

__all__ = ["Search", "SearchResult", "SearchSource", "make_search"]

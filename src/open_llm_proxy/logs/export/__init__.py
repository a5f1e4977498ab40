"""A conversation, or a report, as a file that goes to somebody else: one format a module, text out.

``markdown``, ``html_page`` and ``json_text`` take a ``Conversation``; ``report`` makes one HTML page of figures, with
drawings in it by ``chart``. Pages are self-contained and hold no script; all that was recorded is escaped.
"""

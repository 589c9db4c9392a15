"""What both doors share and no room knows: headers, language and theme, filters of the templates, health, the request log,
and the pages that show the tree of `console.errors`. It knows Flask and Jinja; it does not know Flask-AppBuilder.
"""

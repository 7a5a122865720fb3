"""The web page and its server: draw, drop or photograph a digit, and see what the model sees.

`make_app` makes the FastAPI application, `run_server` runs it until it is told to stop. Nothing that is sent to it is
kept: not on disk, not in a log.
"""

"""Tab *Log*: what this program and the viewers that it started have to say."""

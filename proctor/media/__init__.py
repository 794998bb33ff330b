"""What arrives from a browser, and when: encoded frames in, recordings, gaps and clips out."""

"""One sitting, wired: the only room that knows the whole line from browser to incident."""

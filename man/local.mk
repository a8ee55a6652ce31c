# man: a page for each program, one for the configuration.

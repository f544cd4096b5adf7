"""The host: settings, wiring, web server, worker and command line. It knows every class and decides nothing."""

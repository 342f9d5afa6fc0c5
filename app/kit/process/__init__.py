"""The processes of a city: servers from wheels, workers under their supervisor, sockets, connections, figures, logs."""

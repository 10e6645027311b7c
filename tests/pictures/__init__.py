"""Pictures of messages: real ones, collected from real sockets and drawn as their readers see them. `make messages`."""

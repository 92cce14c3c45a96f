"""The processes of one Vagus: its own servers, the supervisor that keeps all of them running, its state folder."""

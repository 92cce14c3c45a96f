"""What was trained, once each: load on one scale, heart rates of workouts, output. Read from rows, never stored."""

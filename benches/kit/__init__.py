"""What every benchmark stands on: figures, environments, processes, load."""

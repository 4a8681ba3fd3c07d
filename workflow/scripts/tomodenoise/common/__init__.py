"""What every stage uses: errors, logs, paths, devices, sizes in words."""

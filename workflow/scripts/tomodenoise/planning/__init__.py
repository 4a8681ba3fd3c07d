"""What is known before any job runs: scans, paths, resources, and what makes a product again."""

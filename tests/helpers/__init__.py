"""What several tests share: networks and data to try, loops to compare with, readers of pages."""

"""What is measured of images and runs: arrays in, numbers out."""

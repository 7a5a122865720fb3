"""Where images and labels come from: bundled data sets, downloads and files, as NumPy arrays."""

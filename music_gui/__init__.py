"""MuSIC GUI: brain structural covariance and its genetics on the desktop."""

__version__ = "0.1.0"

"""The brain: 3D scene and slices."""

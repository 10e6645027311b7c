"""What the commands do, one module each; imported only when that command runs."""

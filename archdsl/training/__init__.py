"""Training: what data and recipes are, and the loop that trains a network."""

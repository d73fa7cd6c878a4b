"""What `archdsl compile` writes: each format is entered in ``archdsl.registry``."""

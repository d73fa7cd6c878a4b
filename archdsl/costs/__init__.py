"""What networks cost: each cost is a record in a file, and is entered in ``archdsl.registry``."""

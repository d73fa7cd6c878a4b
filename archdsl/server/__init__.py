"""The language server: ``archdsl.editing`` by the Language Server Protocol, with pygls."""

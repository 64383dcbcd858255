"""How a run lives on disk and through its sittings: from what the user asked to a folder that holds a model."""

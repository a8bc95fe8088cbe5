"""What a person works with around the images: docks, menus, keys."""

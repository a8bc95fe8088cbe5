"""Tab *Viewers*, and what starts viewers and follows them."""

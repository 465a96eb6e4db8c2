//! Which part of the repository's evidence belongs to which service.

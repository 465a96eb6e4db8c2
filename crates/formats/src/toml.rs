//! TOML as a tree with places.

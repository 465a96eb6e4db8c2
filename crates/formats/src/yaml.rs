//! YAML streams as trees with places.

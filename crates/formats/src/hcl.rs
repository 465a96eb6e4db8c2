//! HCL (Terraform, `OpenTofu`) as trees with places.

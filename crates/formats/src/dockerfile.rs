//! Dockerfiles and Containerfiles, instruction by instruction, with places.

//! Gathers evidence from a repository; never judges.

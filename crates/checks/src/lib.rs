//! The checklist: one record and one pure function a check.

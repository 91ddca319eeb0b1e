//! The journal, packing, the retry rule, quarantine.

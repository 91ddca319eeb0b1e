//! One module an extractor; it yields normalized usage as a stream of pages.

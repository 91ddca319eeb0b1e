//! oslo's INI into one typed, validated `Config`.

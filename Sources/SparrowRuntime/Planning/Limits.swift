import SparrowCore

/// Bounds on what a model may ask for, so that a hostile one gets an error and not the machine. Where
/// `Int` has 32 bits they leave room for sums and small multiples.
enum Limits {
  /// The largest single value, in bytes.
  static var valueBytes: Int { .limit(1 << 34, narrow: 1 << 28) }
  /// The largest constant that folding makes, in bytes.
  static var foldedBytes: Int { .limit(1 << 31, narrow: 1 << 27) }
  /// All memory of one plan's activations, in bytes.
  static var arenaBytes: Int { .limit(1 << 36, narrow: 1 << 30) }
}

/// Bounds on what a model may ask for, so that a hostile one gets an error and not the machine.
enum Limits {
  /// The largest single value, in bytes.
  static var valueBytes: Int { 1 << 34 }
  /// The largest constant that folding makes, in bytes.
  static var foldedBytes: Int { 1 << 31 }
  /// All memory of one plan's activations, in bytes.
  static var arenaBytes: Int { 1 << 36 }
}

/// When weights go: all at once, or in rounds with something between.
public protocol Schedule: Sendable {
  /// The name in recipes and in reports.
  var name: String { get }
  /// Brings `pruning` to its target by one or more calls of ``Pruning/prune(to:)``.
  func run(_ pruning: inout Pruning) throws(CompressError)
}

/// Everything in one step.
public struct OneShotSchedule: Schedule {
  public init() {}
  public var name: String { "one-shot" }
  public func run(_ pruning: inout Pruning) throws(CompressError) {
    try pruning.prune(to: pruning.target)
  }
}

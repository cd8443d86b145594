import SparrowCore

/// How a ``Session`` computes.
public struct SessionOptions: Sendable {
  /// Workers, the calling thread included.
  public var threads = 1
  public init(threads: Int = 1) { self.threads = threads }
}

/// A graph made ready to run: plans are made on first use of each set of input shapes and kept.
public final class Session {
  public let graph: Graph

  /// Verifies the graph. Throws ``RuntimeError`` when it breaks a rule.
  public init(_ graph: Graph, options: SessionOptions = SessionOptions()) throws(RuntimeError) {
    self.graph = graph
  }

  /// Runs the graph on one tensor an input, in the graph's order; the outputs in the graph's order.
  public func run(_ inputs: [Tensor]) throws(RuntimeError) -> [Tensor] {
    throw .badInput("the session is not built yet")
  }
}

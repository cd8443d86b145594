import SparrowCore

/// One rewrite of a graph that keeps what the graph computes.
///
/// To add one, write it in a file of its own with its pattern as a comment, name it in a pipeline
/// (`Pipelines.swift`), and write its test: text before and after, and equal outputs.
public protocol Pass: Sendable {
  /// The name that logs show and by which the pass is disabled: `constant-folding`.
  static var name: String { get }

  /// Rewrites the graph, at most `limit` times, and returns how often. 0 means nothing is left to do.
  ///
  /// The graph keeps every rule of ``SparrowCore/Graph``; the types of changed values may be left to
  /// the driver. A pass that looks at the whole graph at once may go beyond a limit above 0.
  func run(_ graph: inout Graph, limit: Int) throws(PassError) -> Int
}

extension Pass {
  /// Rewrites the graph wherever the pass applies, and returns how often.
  @discardableResult
  public func run(_ graph: inout Graph) throws(PassError) -> Int {
    try run(&graph, limit: Int.max)
  }
}

/// Why a pipeline could not be run.
public enum PassError: Error, Equatable {
  /// The graph given to the driver breaks a rule.
  case invalidInput(GraphError)
  /// A pass left a graph that breaks a rule: a bug of the pass. The caller's graph is unchanged.
  case invalidResult(pass: String, GraphError)
  /// A pass to be disabled that the pipeline does not have.
  case unknownPass(name: String, known: [String])

  public var message: String {
    switch self {
    case .invalidInput(let error): error.message
    case .invalidResult(let pass, let error):
      "the pass '\(pass)' left a graph that breaks a rule: \(error.message); "
        + "disable the pass to go on without it"
    case .unknownPass(let name, let known):
      "there is no pass '\(name)'; the passes are \(known.joined(separator: ", "))"
    }
  }
}

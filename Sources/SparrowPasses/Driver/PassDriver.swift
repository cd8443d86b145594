import SparrowCore

/// What a ``PassDriver`` leaves out or stops at.
public struct PassOptions: Sendable {
  /// How often the pipeline is repeated at most. It ends earlier when a round changes nothing.
  public var maximumRounds = 16
  /// Names of passes to leave out.
  public var disabled: [String] = []
  /// Stop after this many changes: bisecting on it finds the rewrite that breaks a model.
  public var stopAfter: Int?

  public init(maximumRounds: Int = 16, disabled: [String] = [], stopAfter: Int? = nil) {
    (self.maximumRounds, self.disabled, self.stopAfter) = (maximumRounds, disabled, stopAfter)
  }
}

/// What one run of a pass did.
public struct PassLogEntry: Hashable, Sendable {
  public var pass: String
  /// Which repetition of the pipeline, from 1.
  public var round: Int
  public var changes: Int

  public init(pass: String, round: Int, changes: Int) {
    (self.pass, self.round, self.changes) = (pass, round, changes)
  }
}

/// Runs a pipeline of passes until none of them finds anything to do, on the graph and on the graphs
/// inside its nodes, and verifies the graph before the first and after each that changed it.
public struct PassDriver: Sendable {
  public let pipeline: [any Pass]
  public let options: PassOptions

  /// Throws ``PassError/unknownPass(name:known:)`` when a pass to disable is not in the pipeline.
  public init(
    pipeline: [any Pass], options: PassOptions = PassOptions()
  ) throws(PassError) {
    let names = pipeline.map { type(of: $0).name }
    for name in options.disabled where !names.contains(name) {
      throw .unknownPass(name: name, known: names.unique())
    }
    self.pipeline = pipeline.filter { !options.disabled.contains(type(of: $0).name) }
    self.options = options
  }

  /// Rewrites the graph and returns the passes that changed it, in order. The graph is unchanged
  /// when an error is thrown.
  @discardableResult
  public func run(_ graph: inout Graph) throws(PassError) -> [PassLogEntry] {
    var result = graph
    do throws(GraphError) {
      try result.verify()
      try result.inferTypes()
    } catch {
      throw .invalidInput(error)
    }
    var log: [PassLogEntry] = []
    var left = options.stopAfter ?? Int.max
    try rewrite(&result, &log, &left)
    graph = result
    return log
  }

  private func rewrite(
    _ graph: inout Graph, _ log: inout [PassLogEntry], _ left: inout Int
  ) throws(PassError) {
    for round in 1...max(1, options.maximumRounds) {
      let before = log.count
      for pass in pipeline where left > 0 {
        let changes = try run(pass, on: &graph, limit: left)
        guard changes > 0 else { continue }
        left -= min(left, changes)
        log.append(PassLogEntry(pass: type(of: pass).name, round: round, changes: changes))
      }
      for i in graph.nodes.indices where left > 0 && !graph.nodes[i].op.subgraphs.isEmpty {
        let types = graph.nodes[i].inputs.map { id in id.flatMap { graph[$0].type } }
        try graph.nodes[i].op.mapSubgraphs { subgraph throws(PassError) in
          subgraph.refine(captured: types.suffix(subgraph.captures))
          try rewrite(&subgraph.graph, &log, &left)
        }
      }
      if log.count == before || left == 0 { break }
    }
  }

  private func run(
    _ pass: any Pass, on graph: inout Graph, limit: Int
  ) throws(PassError) -> Int {
    let changes = try pass.run(&graph, limit: limit)
    guard changes > 0 else { return 0 }
    do throws(GraphError) {
      try graph.verify()
      try graph.inferTypes()
    } catch {
      throw .invalidResult(pass: type(of: pass).name, error)
    }
    return changes
  }
}

extension Subgraph {
  /// Takes over what is known of captured values in the graph around, unless the subgraph contradicts
  /// it: a branch that is not taken may.
  fileprivate mutating func refine(captured types: ArraySlice<TensorType?>) {
    guard types.count == captures else { return }
    var refined = graph
    for (id, type) in zip(refined.inputs.suffix(captures), types) {
      if let type { refined[id].type = type }
    }
    if (try? refined.inferTypes()) != nil { graph = refined }
  }
}

extension Array where Element == String {
  fileprivate func unique() -> [String] {
    var result: [String] = []
    for name in self where !result.contains(name) { result.append(name) }
    return result
  }
}

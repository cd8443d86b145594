/// ONNX If: the outputs of one of two branches.
///
/// Inputs: the condition (one bool), then what the branches capture. Both branches take all captures
/// as their inputs, in the same order, whether they read them or not, and have as many outputs as
/// the node.
public struct If: Operator {
  public var thenBranch: Subgraph
  public var elseBranch: Subgraph

  public init(then thenBranch: Subgraph = Subgraph(), else elseBranch: Subgraph = Subgraph()) {
    (self.thenBranch, self.elseBranch) = (thenBranch, elseBranch)
  }

  public var name: String { "If" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...Int.max }
  public var shapeInputs: [Int] { [0] }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("then_branch", &thenBranch)
    try visitor.visit("else_branch", &elseBranch)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let condition = try context.type(0)
    guard condition.dtype == .bool else {
      throw InferenceError("the condition is \(condition.dtype.name), expected bool")
    }
    let captures = try context.given(from: 1)
    if let taken = context.integers(0)?.first {
      let branch = taken != 0 ? thenBranch : elseBranch
      return try types(of: branch, captures, context)
    }
    // A branch whose types contradict each other is one that is never taken.
    let results: [[TensorType]]
    do throws(InferenceError) {
      let first = try types(of: thenBranch, captures, context)
      let second = try? types(of: elseBranch, captures, context)
      results = [first, second ?? first]
    } catch {
      guard let second = try? types(of: elseBranch, captures, context) else { throw error }
      results = [second, second]
    }
    var types: [TensorType] = []
    for (i, (a, b)) in zip(results[0], results[1]).enumerated() {
      guard let both = a.union(b) else {
        throw InferenceError(
          "output \(i) is \(a.dtype.name) in one branch, \(b.dtype.name) in the other")
      }
      types.append(both)
    }
    return types
  }

  private func types(
    of branch: Subgraph, _ captures: [InferenceContext.Input], _ context: InferenceContext
  ) throws(InferenceError) -> [TensorType] {
    guard branch.graph.outputs.count == context.outputCount else {
      throw InferenceError(
        "a branch has \(branch.graph.outputs.count) outputs, the node \(context.outputCount)")
    }
    return try branch.inferred(captures).map { $0.type }
  }
}

extension InferenceContext {
  /// The inputs from `first` on, none of which may be left out.
  func given(from first: Int) throws(InferenceError) -> [Input] {
    var result: [Input] = []
    for (i, input) in inputs.enumerated().dropFirst(first) {
      guard let input else { throw InferenceError("input \(i) is missing") }
      result.append(input)
    }
    return result
  }
}

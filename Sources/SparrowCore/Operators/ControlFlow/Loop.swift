/// ONNX Loop: a body that is run again and again.
///
/// ```
/// node    inputs:  trip count (int64, optional), condition (bool, optional), carried..., captures...
///         outputs: carried..., scanned...
/// body    inputs:  iteration (int64), condition, carried..., captures...
///         outputs: condition, carried..., scanned...
/// ```
///
/// It ends when the trip count is reached or the condition is false, which is looked at before every
/// round. A scanned output is what all rounds made, stacked along a new first axis.
public struct Loop: Operator {
  public var body: Subgraph

  public init(body: Subgraph = Subgraph()) { self.body = body }

  public var name: String { "Loop" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 0...Int.max }

  /// How many values go from round to round, apart from the condition.
  public var carriedCount: Int { max(0, body.graph.inputs.count - 2 - body.captures) }

  /// How many outputs are stacked.
  public var scannedCount: Int { max(0, body.graph.outputs.count - 1 - carriedCount) }

  /// The shape of the number of the round: a scalar, or a vector of one where the body declares that.
  public var iterationShape: [Int] { declaredShape(0) }

  /// The shape of the first condition where the node is given none.
  public var conditionShape: [Int] { declaredShape(1) }

  private func declaredShape(_ i: Int) -> [Int] {
    let inputs = body.graph.inputs
    return i < inputs.count && body.graph[inputs[i]].type?.shape == [1] ? [1] : []
  }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("body", &body)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    try verifyCounts(context)
    let condition = context.has(1) ? try context.type(1) : TensorType(.bool, shape: conditionShape)
    guard condition.dtype == .bool else {
      throw InferenceError("the condition is \(condition.dtype.name), expected bool")
    }
    if context.has(0), try context.type(0).dtype != .int64 {
      throw InferenceError("the trip count is \(try context.type(0).dtype.name), expected i64")
    }
    let given = try context.given(from: 2)
    let carried = [condition] + given.prefix(carriedCount).map { $0.type }
    let iteration = InferenceContext.Input(type: TensorType(.int64, shape: iterationShape))
    let result = try body.inferredRounds(
      [iteration], carried, Array(given.dropFirst(carriedCount)))
    let rounds = rounds(context)
    return result.carried.dropFirst()
      + result.others.map { TensorType($0.dtype, $0.dimensions.map { [rounds] + $0 }) }
  }

  private func verifyCounts(_ context: InferenceContext) throws(InferenceError) {
    let graph = body.graph
    guard body.captures >= 0, graph.inputs.count >= 2 + body.captures,
      graph.outputs.count >= 1 + carriedCount
    else {
      throw InferenceError(
        "its body has \(graph.inputs.count) inputs and \(graph.outputs.count) outputs: too few")
    }
    let inputs = graph.inputs.count
    guard max(context.inputs.count, 2) == inputs else {
      throw InferenceError("it has \(context.inputs.count) inputs, expected \(inputs)")
    }
    guard context.outputCount == graph.outputs.count - 1 else {
      throw InferenceError(
        "it has \(context.outputCount) outputs, expected \(graph.outputs.count - 1)")
    }
  }

  /// How many rounds there are: the trip count where it is known and the condition never changes.
  private func rounds(_ context: InferenceContext) -> Dimension {
    guard let count = context.integers(0)?.first, keepsGoing,
      !context.has(1) || context.integers(1).map({ $0.first != 0 }) ?? false
    else { return .unknown }
    return .known(max(0, count))
  }

  /// Whether the body hands on the condition that it is given, or a constant true.
  private var keepsGoing: Bool {
    let graph = body.graph
    guard var id = graph.outputs.first, graph.inputs.count >= 2 else { return false }
    for node in graph.nodes.reversed() where node.outputs == [id] {
      guard case .identity = node.op, let source = node.input(0) else { return false }
      id = source
    }
    return id == graph.inputs[1] || graph[id].constant?.integers?.first.map { $0 != 0 } ?? false
  }
}

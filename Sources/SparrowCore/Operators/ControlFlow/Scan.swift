/// ONNX Scan: a body that is run for each slice of sequences.
///
/// ```
/// node    inputs:  states..., sequences..., captures...
///         outputs: states..., scanned...
/// body    inputs:  states..., slices..., captures...
///         outputs: states..., slices of what is scanned...
/// ```
///
/// Slices are taken along an axis of each sequence, which they lack; scanned outputs are the slices
/// of all rounds along a new axis. Axes are 0, and directions forward, where they are left out.
public struct Scan: Operator {
  public var body: Subgraph
  /// How many inputs are sequences.
  public var sequenceCount: Int
  public var inputAxes: [Int]?
  public var outputAxes: [Int]?
  /// 0: from the first slice on, 1: from the last one back.
  public var inputDirections: [Int]?
  /// 0: each slice follows those before, 1: precedes them.
  public var outputDirections: [Int]?

  public init(body: Subgraph = Subgraph(), sequenceCount: Int = 1) {
    (self.body, self.sequenceCount) = (body, sequenceCount)
  }

  public var name: String { "Scan" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...Int.max }

  /// How many values go from round to round.
  public var stateCount: Int {
    let (rest, overflow) = (body.graph.inputs.count - body.captures).subtractingReportingOverflow(
      sequenceCount)
    return overflow ? 0 : max(0, rest)
  }

  /// How many outputs are scanned.
  public var scannedCount: Int { max(0, body.graph.outputs.count - stateCount) }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("body", &body)
    try visitor.visit("num_scan_inputs", &sequenceCount)
    try visitor.visit("scan_input_axes", &inputAxes)
    try visitor.visit("scan_output_axes", &outputAxes)
    try visitor.visit("scan_input_directions", &inputDirections)
    try visitor.visit("scan_output_directions", &outputDirections)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    try verifyCounts(context)
    let given = try context.given(from: 0)
    let states = given.prefix(stateCount).map { $0.type }
    var lengths: [Dimension] = []
    var slices: [InferenceContext.Input] = []
    for i in 0..<sequenceCount {
      var type = given[stateCount + i].type
      if var dimensions = type.dimensions {
        let axis = try ShapeRules.axis(inputAxes?[i] ?? 0, rank: dimensions.count)
        lengths.append(dimensions.remove(at: axis))
        type.dimensions = dimensions
      }
      slices.append(InferenceContext.Input(type: type))
    }
    var length = lengths.first ?? .unknown
    for other in lengths {
      length = try ShapeRules.unify(length, other, what: "lengths of sequences")
    }
    let captures = given.dropFirst(stateCount + sequenceCount)
    let result = try body.inferredRounds([], states, slices + captures)
    var types = result.carried
    for (i, slice) in result.others.enumerated() {
      var type = slice
      if var dimensions = type.dimensions {
        let axis = try ShapeRules.axis(outputAxes?[i] ?? 0, rank: dimensions.count + 1)
        dimensions.insert(length, at: axis)
        type.dimensions = dimensions
      }
      types.append(type)
    }
    return types
  }

  private func verifyCounts(_ context: InferenceContext) throws(InferenceError) {
    let graph = body.graph
    guard sequenceCount >= 1, body.captures >= 0,
      sequenceCount <= graph.inputs.count - body.captures, graph.outputs.count >= stateCount
    else {
      throw InferenceError(
        "its body has \(graph.inputs.count) inputs and \(graph.outputs.count) outputs: too few "
          + "for \(sequenceCount) sequences")
    }
    guard context.inputs.count == graph.inputs.count else {
      throw InferenceError(
        "it has \(context.inputs.count) inputs, expected \(graph.inputs.count)")
    }
    guard context.outputCount == graph.outputs.count else {
      throw InferenceError(
        "it has \(context.outputCount) outputs, expected \(graph.outputs.count)")
    }
    try verify(inputAxes, "scan_input_axes", sequenceCount)
    try verify(outputAxes, "scan_output_axes", scannedCount)
    try verifyDirections(inputDirections, "scan_input_directions", sequenceCount)
    try verifyDirections(outputDirections, "scan_output_directions", scannedCount)
  }

  private func verify(_ list: [Int]?, _ what: String, _ count: Int) throws(InferenceError) {
    guard let list, list.count != count else { return }
    throw InferenceError("\(what) has \(list.count) entries, expected \(count)")
  }

  private func verifyDirections(
    _ list: [Int]?, _ what: String, _ count: Int
  ) throws(InferenceError) {
    try verify(list, what, count)
    for direction in list ?? [] where direction != 0 && direction != 1 {
      throw InferenceError("\(what) has the entry \(direction), expected 0 or 1")
    }
  }
}

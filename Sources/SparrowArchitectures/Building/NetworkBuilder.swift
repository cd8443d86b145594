import SparrowCore

/// Builds a network layer by layer: a graph whose constants are its parameters, named as PyTorch names
/// them in a state dict (`layer1.0.conv1.weight`), and whose nodes have the names of modules.
///
/// Batch normalisation stays a node of its own, so that it can be trained. Scalar constants (the bounds
/// of ReLU6) belong to operators and are no parameters; every parameter has an axis or more.
///
/// ```swift
/// var b = NetworkBuilder("tiny", values: .drawn(seed: 1))
/// var x = try b.image([3, 32, 32])
/// x = try b.convolution("conv", x, ConvolutionForm(16, kernel: 3))
/// x = try b.nonlinearity("relu", try b.batchNorm("bn", x), .relu)
/// x = try b.linear("fc", try b.globalPool("pool", x), outputs: 10)
/// let graph = try b.finish(x)
/// ```
public struct NetworkBuilder {
  /// Where parameters' values come from.
  public enum Values: Hashable, Sendable {
    case drawn(seed: UInt64)
    /// Weights are zero, to be replaced: what is drawn otherwise; constants (batch norm's) are set.
    case unset
  }

  /// The most elements that all parameters together may have: 16 GB.
  public static let largestParameterCount = 1 << 32

  public private(set) var graph: Graph
  let architecture: String
  private let values: Values
  private var nodeNames: Set<String> = []
  private var parameterCount = 0
  private var scalars: [UInt32: ValueID] = [:]

  /// `name` is the graph's, and what errors call it.
  public init(_ name: String, values: Values) {
    (graph, architecture, self.values) = (Graph(name: name), name, values)
  }

  /// Adds a graph input.
  public mutating func input(_ name: String, _ type: TensorType) -> ValueID {
    graph.addInput(name, type)
  }

  /// Adds the input `image`, float32 `[batch, shape...]` with an open batch.
  public mutating func image(_ shape: [Int]) throws(ArchitectureError) -> ValueID {
    guard let count = shape.checkedElementCount, count > 0, count <= 1 << 28 else {
      throw .inputShape(
        architecture: architecture, found: shape, expected: "positive lengths of a sensible image")
    }
    return input("image", TensorType(.float32, [.symbol("batch")] + shape.map { .known($0) }))
  }

  /// Adds a parameter, float32 of `shape`, outputs first.
  public mutating func parameter(
    _ name: String, _ shape: [Int], _ initialization: Initialization
  ) throws(ArchitectureError) -> ValueID {
    guard let count = shape.checkedElementCount, count > 0,
      count <= Self.largestParameterCount - parameterCount
    else {
      throw .tooLarge(
        architecture: architecture,
        reason: "with \(name) of shape \(shape) there would be more than "
          + "\(Self.largestParameterCount) parameters")
    }
    guard let region = Region(available: count * MemoryLayout<Float>.stride) else {
      throw .tooLarge(
        architecture: architecture, reason: "there is no memory for \(name) of shape \(shape)")
    }
    parameterCount += count
    let target = UnsafeMutableBufferPointer(
      start: region.base.bindMemory(to: Float.self, capacity: count), count: count)
    switch (values, initialization) {
    case (_, .constant(let value)): target.update(repeating: value)
    case (.unset, _): target.update(repeating: 0)
    case (.drawn(let seed), _):
      initialization.fill(target, shape: shape, name: name, seed: seed)
    }
    return graph.addConstant(
      name, Tensor(dtype: .float32, shape: shape, bytes: Bytes(region)))
  }

  /// A scalar constant of an operator; equal ones are one value.
  public mutating func scalar(_ value: Float) -> ValueID {
    if let known = scalars[value.bitPattern] { return known }
    let id = graph.addConstant(graph.unusedName("scalar"), Tensor(scalar: value))
    scalars[value.bitPattern] = id
    return id
  }

  /// A constant of an operator that is no parameter: axes, shapes.
  public mutating func integers(_ name: String, _ values: [Int64]) -> ValueID {
    graph.addConstant(name, Tensor(values))
  }

  /// A position as a constant of an operator.
  mutating func scalarIndex(_ name: String, _ value: Int64) -> ValueID {
    graph.addConstant(name, Tensor(scalar: value))
  }

  /// Appends a node; its name gets a number where it is taken.
  @discardableResult
  public mutating func add(
    _ op: Op, _ inputs: [ValueID?], _ name: String
  ) throws(ArchitectureError) -> ValueID {
    var unique = name
    var n = 1
    while !nodeNames.insert(unique).inserted {
      unique = "\(name)_\(n)"
      n += 1
    }
    do throws(GraphError) {
      return try graph.add(op, inputs, name: unique)
    } catch {
      throw .layers(architecture: architecture, error)
    }
  }

  /// The finished graph: its output is `scores`, renamed `output`.
  public consuming func finish(
    _ scores: ValueID, as output: String = "logits"
  ) throws(ArchitectureError) -> Graph {
    graph[scores].name = output
    graph.outputs = [scores]
    do throws(GraphError) {
      try graph.verify()
    } catch {
      throw .layers(architecture: architecture, error)
    }
    return graph
  }

  /// The lengths of a value's axes after the first, the batch; each is known while layers are built of
  /// known shapes.
  public func lengths(_ id: ValueID) throws(ArchitectureError) -> [Int] {
    let type = graph[id].type
    guard let shape = type?.dimensions?.dropFirst(), !shape.isEmpty else {
      throw unknownShape(id)
    }
    var lengths: [Int] = []
    for dimension in shape {
      guard let length = dimension.value else { throw unknownShape(id) }
      lengths.append(length)
    }
    return lengths
  }

  private func unknownShape(_ id: ValueID) -> ArchitectureError {
    let text = graph[id].type?.text ?? "unknown"
    return .layers(
      architecture: architecture,
      .invalid("'\(graph[id].name)' is of type \(text), expected known lengths after the batch"))
  }
}

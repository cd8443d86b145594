/// ONNX Col2Im: adds up the columns that a sliding window would take out of an image. Inputs: x
/// `[N, C * window, positions]`, image shape, block shape (the window's). Output `[N, C, image...]`.
public struct Col2Im: Operator {
  public var strides: [Int]?
  /// Begins of all axes, then ends.
  public var pads: [Int]?
  public var dilations: [Int]?

  public init() {}
  public var name: String { "Col2Im" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 3...3 }
  public var shapeInputs: [Int] { [1, 2] }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("strides", &strides)
    try visitor.visit("pads", &pads)
    try visitor.visit("dilations", &dilations)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    try ShapeRules.require(rank: x.dimensions, 3...3, "x")
    guard let image = context.integers(1), let block = context.integers(2) else {
      guard let rank = try context.dimensions(1)?.first?.value, (0...62).contains(rank) else {
        return [TensorType(x.dtype, nil)]
      }
      let open = [Dimension](repeating: .unknown, count: rank + 1)
      return [TensorType(x.dtype, [x.dimensions?[0] ?? .unknown] + open)]
    }
    guard image.count == block.count, image.allSatisfy({ $0 >= 0 }),
      let positions = block.checkedElementCount, positions > 0
    else { throw InferenceError("image_shape and block_shape must be lengths of equal number") }
    var channels = Dimension.unknown
    if let rows = x.dimensions?[1].value {
      guard rows % positions == 0 else {
        throw InferenceError("x has \(rows) rows, which do not divide by \(positions)")
      }
      channels = .known(rows / positions)
    }
    let output = [x.dimensions?[0] ?? .unknown, channels] + image.map { .known($0) }
    return [TensorType(x.dtype, output)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (tensor, shape) = (try x.tensor(0), try outputShape(x))
    let image = Array(shape[2...])
    let window = Window(
      kernel: try x.integers(2), strides: strides, pads: pads, dilations: dilations)
    let positions: [Int]?
    do throws(InferenceError) {
      let output = try window.outputDimensions(kernel: nil, input: image.map { .known($0) })
      positions = TensorType(tensor.dtype, output).shape
    } catch {
      throw ComputeError(error)
    }
    guard let positions, positions.elementCount == tensor.shape[2] else {
      throw ComputeError("x has \(tensor.shape[2]) columns, the window has \(positions ?? [])")
    }
    let table = try WindowTable(
      try window.concrete(kernel: nil, input: image), input: image, output: positions)
    let (data, plane) = (tensor.doubles, image.elementCount)
    var sums = [Double](repeating: 0, count: shape.elementCount)
    for channel in 0..<shape[0] * shape[1] {
      for t in 0..<table.taps {
        let source = (channel * table.taps + t) * table.outputs
        for position in 0..<table.outputs {
          let entry = table.entries[position * table.taps + t]
          if entry >= 0 { sums[channel * plane + entry] += data[source + position] }
        }
      }
    }
    return [Tensor(tensor.dtype, shape, doubles: sums)]
  }
}

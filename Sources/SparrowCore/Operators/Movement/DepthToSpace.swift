/// The order of the blocks' axes within the channels: depth, column, row or column, row, depth.
public enum DepthOrder: AttributeChoice {
  case depthFirst, depthLast
  public var name: String { self == .depthFirst ? "DCR" : "CRD" }
}

/// A rearrangement of `[N, C, H, W]`: seen with six axes, these are permuted.
public struct BlockRearrangement: Sendable {
  public var axes: [Int]
  public var order: [Int]
}

/// ONNX DepthToSpace: `[N, C * b * b, H, W]` to `[N, C, H * b, W * b]`.
public struct DepthToSpace: Operator {
  public var blockSize = 1
  public var mode = DepthOrder.depthFirst

  public init(blockSize: Int = 1) { self.blockSize = blockSize }
  public var name: String { "DepthToSpace" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("blocksize", &blockSize)
    try visitor.visit("mode", &mode)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    try ShapeRules.require(rank: x.dimensions, 4...4, "x")
    guard let input = x.dimensions else { return [TensorType(x.dtype, nil)] }
    let block = try SpaceToDepth.checked(blockSize)
    let channels = try SpaceToDepth.divided(input[1], by: block * block, "channels")
    let scaled = input[2...].map { $0.value.map { .known($0 * block) } ?? Dimension.unknown }
    return [TensorType(x.dtype, [input[0], channels] + scaled)]
  }

  /// How an input of `shape` is rearranged.
  public func rearrangement(_ shape: [Int]) -> BlockRearrangement {
    let (n, c, h, w) = (shape[0], shape[1] / (blockSize * blockSize), shape[2], shape[3])
    return switch mode {
    case .depthFirst:
      BlockRearrangement(axes: [n, blockSize, blockSize, c, h, w], order: [0, 3, 4, 1, 5, 2])
    case .depthLast:
      BlockRearrangement(axes: [n, c, blockSize, blockSize, h, w], order: [0, 1, 4, 2, 5, 3])
    }
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (tensor, shape) = (try x.tensor(0), try outputShape(x))
    let move = rearrangement(tensor.shape)
    return [Tensor(tensor.dtype, shape, words: tensor.words.permuted(move.axes, move.order))]
  }
}

/// ONNX SpaceToDepth: `[N, C, H * b, W * b]` to `[N, C * b * b, H, W]`.
public struct SpaceToDepth: Operator {
  public var blockSize = 1

  public init(blockSize: Int = 1) { self.blockSize = blockSize }
  public var name: String { "SpaceToDepth" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 1...1 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("blocksize", &blockSize)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    try ShapeRules.require(rank: x.dimensions, 4...4, "x")
    guard let input = x.dimensions else { return [TensorType(x.dtype, nil)] }
    let block = try Self.checked(blockSize)
    let channels = input[1].value.map { Dimension.known($0 * block * block) } ?? .unknown
    var output = [input[0], channels]
    for i in 2...3 { output.append(try Self.divided(input[i], by: block, "axis \(i)")) }
    return [TensorType(x.dtype, output)]
  }

  static func checked(_ blockSize: Int) throws(InferenceError) -> Int {
    guard blockSize >= 1, blockSize <= 1 << 12 else {
      throw InferenceError("blocksize is \(blockSize), expected 1 to 4096")
    }
    return blockSize
  }

  static func divided(
    _ dimension: Dimension, by block: Int, _ what: String
  ) throws(InferenceError) -> Dimension {
    guard let length = dimension.value else { return .unknown }
    guard length % block == 0 else {
      throw InferenceError("\(what): \(length) does not divide by \(block)")
    }
    return .known(length / block)
  }

  /// How an input of `shape` is rearranged.
  public func rearrangement(_ shape: [Int]) -> BlockRearrangement {
    let b = blockSize
    return BlockRearrangement(
      axes: [shape[0], shape[1], shape[2] / b, b, shape[3] / b, b], order: [0, 3, 5, 1, 2, 4])
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (tensor, shape) = (try x.tensor(0), try outputShape(x))
    let move = rearrangement(tensor.shape)
    return [Tensor(tensor.dtype, shape, words: tensor.words.permuted(move.axes, move.order))]
  }
}

/// How a weight tensor is read as outputs x inputs x positions, whatever its axis order.
///
/// - convolution `[O, I/g, kh, kw]`: O outputs, I/g inputs, kh*kw positions
/// - matrix product `[K, N]`: N outputs, K inputs, 1 position
/// - Gemm with transposed B `[N, K]`: N outputs, K inputs, 1 position
///
/// Patterns (blocks, N:M), block storage and kernel packing all use this view: a "1x4" block is 4
/// neighbouring inputs of one output at one position, a "4x1" block 4 neighbouring outputs.
public struct WeightView: Hashable, Sendable {
  public var outputs: Int
  public var inputs: Int
  public var positions: Int
  /// Distances in elements between neighbours along each axis.
  public var outputStride: Int
  public var inputStride: Int
  public var positionStride: Int

  public init(
    outputs: Int, inputs: Int, positions: Int,
    outputStride: Int, inputStride: Int, positionStride: Int
  ) {
    (self.outputs, self.inputs, self.positions) = (outputs, inputs, positions)
    (self.outputStride, self.inputStride) = (outputStride, inputStride)
    self.positionStride = positionStride
  }

  /// A weight whose first axis is outputs, second inputs and the others positions.
  public static func outputsFirst(_ shape: [Int]) -> WeightView {
    let inputs = shape.count > 1 ? shape[1] : 1
    let positions = shape.dropFirst(2).reduce(1, *)
    return WeightView(
      outputs: shape.first ?? 1, inputs: inputs, positions: positions,
      outputStride: inputs * positions, inputStride: positions, positionStride: 1)
  }

  /// A matrix whose first axis is inputs and second outputs.
  public static func inputsFirst(_ shape: [Int]) -> WeightView {
    let outputs = shape.count > 1 ? shape[1] : 1
    return WeightView(
      outputs: outputs, inputs: shape.first ?? 1, positions: 1,
      outputStride: 1, inputStride: outputs, positionStride: 1)
  }

  public var count: Int { outputs * inputs * positions }

  @inline(__always)
  public func element(output: Int, input: Int, position: Int) -> Int {
    output * outputStride + input * inputStride + position * positionStride
  }
}

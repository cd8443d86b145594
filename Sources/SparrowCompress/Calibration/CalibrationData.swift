import SparrowCore

/// The samples a compression learns from: preprocessed as the network takes them.
public protocol CalibrationData: Sendable {
  /// The number of samples.
  var count: Int { get }
  /// The class of each sample, where it is known.
  var labels: [Int]? { get }
  /// Samples `range` as one tensor an input, in the graph's order; the first axis is samples.
  func batch(_ range: Range<Int>) -> [Tensor]
}

/// Samples kept as tensors, one an input.
public struct TensorData: CalibrationData {
  public let inputs: [Tensor]
  public let labels: [Int]?

  /// Dense tensors of one count of samples.
  public init(_ inputs: [Tensor], labels: [Int]? = nil) {
    (self.inputs, self.labels) = (inputs.map { $0.dense() }, labels)
  }

  public var count: Int { inputs.first?.shape.first ?? 0 }

  public func batch(_ range: Range<Int>) -> [Tensor] {
    inputs.map { $0.samples(range) }
  }
}

extension Tensor {
  /// Elements `range` of the first axis, copied.
  package func samples(_ range: Range<Int>) -> Tensor {
    let size = shape.dropFirst().reduce(1, *) * dtype.size
    let source = dense().denseBytes ?? Bytes(copying: [UInt8]())
    let bytes = Bytes(count: range.count * size) { target in
      target.copyMemory(
        from: UnsafeRawBufferPointer(
          start: source.pointer + range.lowerBound * size, count: range.count * size))
    }
    return Tensor(dtype: dtype, shape: [range.count] + shape.dropFirst(), bytes: bytes)
  }
}

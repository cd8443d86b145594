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
  /// The given entries of the first axis, copied in that order.
  package func samples<Rows: Collection<Int>>(_ rows: Rows) -> Tensor {
    let shape = Array(shape.dropFirst())
    let size = shape.elementCount * dtype.size
    let source = dense().denseBytes ?? Bytes(copying: [UInt8]())
    let bytes = Bytes(count: rows.count * size) { target in
      for (i, row) in rows.enumerated() {
        UnsafeMutableRawBufferPointer(rebasing: target[i * size..<(i + 1) * size])
          .copyMemory(
            from: UnsafeRawBufferPointer(start: source.pointer + row * size, count: size))
      }
    }
    withExtendedLifetime(source) {}
    return Tensor(dtype: dtype, shape: [rows.count] + shape, bytes: bytes)
  }
}

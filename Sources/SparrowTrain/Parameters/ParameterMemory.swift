import SparrowCore

/// Float32 tensors in one block of memory whose elements change in place.
///
/// ``tensors`` are views of that memory: a session that is handed them reads what it holds at that
/// moment, and nothing is copied. Not safe to change while a session runs.
public final class ParameterMemory {
  /// One an entry, in order.
  public let tensors: [Tensor]
  private let region: Region
  private let offsets: [Int]

  /// A copy of dense or sparse float32 tensors.
  ///
  /// Throws for tensors of other types, whose names are `names`.
  public convenience init(_ values: [Tensor], names: [String]) throws(TrainError) {
    for (value, name) in zip(values, names) where value.dtype != .float32 {
      throw .network(
        "'\(name)' is \(TensorType(value.dtype, shape: value.shape).text): only float32 parameters "
          + "are trained; convert the model first, or freeze '\(name)'")
    }
    self.init(zerosOf: values.map { $0.shape })
    for (i, value) in values.enumerated() { load(value, at: i) }
  }

  /// Zeros.
  public init(zerosOf shapes: [[Int]]) {
    let alignment = Region.alignment
    var offsets: [Int] = []
    var size = 0
    for shape in shapes {
      offsets.append(size)
      size += (shape.elementCount * 4 + alignment - 1) / alignment * alignment
    }
    let region = Region(count: size)
    region.base.initializeMemory(as: UInt8.self, repeating: 0, count: size)
    (self.region, self.offsets) = (region, offsets)
    tensors = zip(shapes, offsets).map { shape, offset in
      Tensor(
        dtype: .float32, shape: shape,
        bytes: Bytes(region: region, offset: offset, count: shape.elementCount * 4))
    }
  }

  public var count: Int { tensors.count }

  /// The elements of an entry, to be changed.
  public subscript(i: Int) -> UnsafeMutableBufferPointer<Float> {
    let count = tensors[i].count
    let base = (region.base + offsets[i]).bindMemory(to: Float.self, capacity: count)
    return UnsafeMutableBufferPointer(start: base, count: count)
  }

  /// Copies a float32 tensor of the same count into an entry.
  public func load(_ tensor: Tensor, at i: Int) {
    let target = self[i]
    tensor.withElements(of: Float.self) { source in
      precondition(source.count == target.count)
      _ = target.update(from: source)
    }
  }

  /// Copies of the entries, which later changes do not reach.
  public func copies() -> [Tensor] { tensors.indices.map { copy($0) } }

  /// A copy of an entry.
  public func copy(_ i: Int) -> Tensor {
    Tensor(of: Float.self, shape: tensors[i].shape) { _ = $0.update(from: self[i]) }
  }
}

/// The gradients of one step: what a session returned, which may be changed until its next run.
public struct GradientBuffers {
  private let tensors: [Tensor]

  init(_ tensors: [Tensor]) { self.tensors = tensors }

  public var count: Int { tensors.count }

  /// The gradient of a parameter. Outputs are memory that the session writes anew in each run and that
  /// nobody else holds, so that changing it in place is safe.
  public subscript(i: Int) -> UnsafeMutableBufferPointer<Float> {
    let count = tensors[i].count
    let bytes = tensors[i].denseBytes?.pointer
    let base = bytes.map { UnsafeMutableRawPointer(mutating: $0) }
    return UnsafeMutableBufferPointer(
      start: base?.assumingMemoryBound(to: Float.self), count: count)
  }
}

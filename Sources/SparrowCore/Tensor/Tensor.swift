/// An immutable n-dimensional array: an element type, a shape, and the storage that keeps it.
///
/// The logical value is always a dense row-major array of `dtype`; ``Storage`` says how it is kept.
public struct Tensor: Sendable {
  public let dtype: DType
  public let shape: [Int]
  public let storage: Storage

  /// A tensor over existing storage. The storage must describe exactly `shape`'s elements.
  public init(dtype: DType, shape: [Int], storage: Storage) {
    (self.dtype, self.shape, self.storage) = (dtype, shape, storage)
  }

  /// A dense tensor over bytes of row-major elements; `bytes.count` must be elements x size.
  public init(dtype: DType, shape: [Int], bytes: Bytes) {
    precondition(bytes.count == shape.elementCount * dtype.size)
    self.init(dtype: dtype, shape: shape, storage: .dense(bytes))
  }

  /// A dense tensor of the given elements, row-major. An empty shape is a scalar.
  public init<T: Element>(_ elements: [T], shape: [Int]) {
    precondition(elements.count == shape.elementCount)
    self.init(dtype: T.dtype, shape: shape, bytes: Bytes(copying: elements))
  }

  /// A vector.
  public init<T: Element>(_ elements: [T]) { self.init(elements, shape: [elements.count]) }

  /// A scalar (shape `[]`).
  public init<T: Element>(scalar: T) { self.init([scalar], shape: []) }

  /// A new dense tensor whose elements `fill` writes.
  public init<T: Element, E: Error>(
    of type: T.Type, shape: [Int], fill: (UnsafeMutableBufferPointer<T>) throws(E) -> Void
  ) throws(E) {
    let count = shape.elementCount
    let bytes = try Bytes(count: count * MemoryLayout<T>.stride) { raw throws(E) in
      let typed = raw.baseAddress?.bindMemory(to: T.self, capacity: count)
      try fill(UnsafeMutableBufferPointer(start: typed, count: count))
    }
    self.init(dtype: T.dtype, shape: shape, bytes: bytes)
  }

  /// The number of logical elements.
  public var count: Int { shape.elementCount }
  public var rank: Int { shape.count }

  /// The bytes the storage takes.
  public var storedByteCount: Int { storage.byteCount }

  /// The bytes of row-major elements where the storage is dense.
  public var denseBytes: Bytes? {
    if case .dense(let bytes) = storage { return bytes }
    return nil
  }

  /// The same elements under another shape of equal element count; nothing is copied.
  public func reshaped(_ shape: [Int]) -> Tensor {
    precondition(shape.elementCount == count)
    return Tensor(dtype: dtype, shape: shape, storage: storage)
  }
}

extension Array where Element == Int {
  /// The product of dimensions. For shapes already known to be sane: see ``checkedElementCount``.
  public var elementCount: Int { reduce(1, *) }

  /// The product of dimensions of an untrusted shape; nil when a dimension is negative or the
  /// product of those that are not 0 overflows, so that strides never do.
  public var checkedElementCount: Int? {
    var product = 1
    for dimension in self where dimension != 0 {
      let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
      if dimension < 0 || overflow { return nil }
      product = next
    }
    return contains(0) ? 0 : product
  }

  /// Row-major strides in elements.
  public var rowMajorStrides: [Int] {
    var strides = [Int](repeating: 1, count: count)
    var i = count - 1
    while i > 0 {
      strides[i - 1] = strides[i] * self[i]
      i -= 1
    }
    return strides
  }
}

import SparrowCore

extension TensorDecoder {
  /// A sparse tensor made dense. The values are a vector of n; the indices n linear positions, or
  /// n x rank coordinates, ascending.
  mutating func tensor(_ message: SparseTensorMessage) throws(FormatError) -> Tensor {
    let label = message.label
    guard let valuesMessage = message.values, let indicesMessage = message.indices else {
      throw message.wire.malformed("\(label) has no values or no indices")
    }
    let (shape, count) = try self.shape(message.dims, label, message.wire)
    try source.check(
      count, ONNXLimits.sparseElements, "the number of elements of \(label)",
      at: message.wire.offset)
    let values = try tensor(valuesMessage)
    let indices = try tensor(indicesMessage)
    guard values.rank == 1, indices.dtype == .int64 else {
      throw message.wire.malformed("\(label): values must be a vector and indices int64")
    }
    let positions = try linear(indices, values.count, shape, label, message.wire)
    let size = values.dtype.size
    let bytes = Bytes(count: count * size) { target in
      target.initializeMemory(as: UInt8.self, repeating: 0)
      guard let from = values.denseBytes, let base = target.baseAddress else { return }
      for (i, position) in positions.enumerated() {
        base.advanced(by: position * size)
          .copyMemory(from: from.pointer + i * size, byteCount: size)
      }
    }
    return Tensor(dtype: values.dtype, shape: shape, bytes: bytes)
  }

  private func linear(
    _ indices: Tensor, _ count: Int, _ shape: [Int], _ label: String, _ wire: WireMessage
  ) throws(FormatError) -> [Int] {
    let given = indices.integers ?? []
    let width: Int
    switch indices.shape {
    case [count]: width = 1
    case [count, shape.count]: width = shape.count
    default:
      throw wire.malformed("\(label): \(count) values have indices of shape \(indices.shape)")
    }
    let lengths = indices.rank == 1 ? [shape.elementCount] : shape
    var result: [Int] = []
    for i in 0..<count {
      var position = 0
      for axis in 0..<width {
        let coordinate = given[i * width + axis]
        guard coordinate >= 0, coordinate < lengths[axis] else {
          throw wire.malformed("\(label): index \(coordinate) is outside its shape \(shape)")
        }
        position = position * lengths[axis] + coordinate
      }
      guard result.last.map({ $0 < position }) ?? true else {
        throw wire.malformed("\(label): indices are not ascending at entry \(i)")
      }
      result.append(position)
    }
    return result
  }
}

import SparrowCore
import SparrowRuntime

extension Graph {
  /// The same graph with every floating-point constant in the smallest storage that keeps it exactly:
  /// dense, bitmask, compressed rows, or blocks of `blockShape` where they are given.
  ///
  /// Storage changes how a tensor is kept, never what it holds (negative zeros become positive).
  public func encodingWeights(blockShape: BlockShape? = nil) -> Graph {
    var result = self
    let views = Dictionary(
      weights().map { ($0.value, $0.view) }, uniquingKeysWith: { first, _ in first })
    let candidates = values.indices.filter { values[$0].constant?.dtype.isFloatingPoint == true }
    let encoded = Parallel.map(candidates.count) { i in
      let id = ValueID(candidates[i])
      let view = views[id]
      return values[id.index].constant?.encodedSmallest(view: view, blockShape: blockShape)
    }
    for (i, tensor) in zip(candidates, encoded) { result.values[i].constant = tensor }
    return result
  }
}

extension Tensor {
  /// The bytes each general variant takes with `nonzeros` nonzeros; nil where it cannot keep them.
  static func storageSizes(
    shape: [Int], elementSize: Int, nonzeros: Int
  ) -> (dense: Int, bitmask: Int, compressedRows: Int) {
    let count = shape.elementCount
    let rows = shape.first ?? 1
    let columnSize = rows > 0 && count / rows > 65_536 ? 4 : 2
    return (
      count * elementSize, (count + 7) / 8 + nonzeros * elementSize,
      (rows + 1) * 4 + nonzeros * (columnSize + elementSize)
    )
  }

  fileprivate func encodedSmallest(view: WeightView?, blockShape: BlockShape?) -> Tensor {
    let plain = dense()
    guard let bytes = plain.denseBytes, count > 0 else { return self }
    let sizes = Self.storageSizes(
      shape: shape, elementSize: dtype.size, nonzeros: plain.nonzeroCount())
    var best = Tensor(dtype: dtype, shape: shape, storage: .dense(bytes))
    if sizes.bitmask < sizes.dense, sizes.bitmask <= sizes.compressedRows {
      let mask = Bitmask(encoding: bytes, dtype: dtype)
      best = Tensor(dtype: dtype, shape: shape, storage: .bitmask(mask))
    } else if sizes.compressedRows < sizes.dense,
      let rows = CompressedRows(encoding: bytes, dtype: dtype, shape: shape)
    {
      best = Tensor(dtype: dtype, shape: shape, storage: .compressedRows(rows))
    }
    if let blockShape, let view {
      let blocks = Blocks(
        encoding: bytes, dtype: dtype, view: view, outputs: blockShape.outputs,
        inputs: blockShape.inputs)
      let candidate = Tensor(dtype: dtype, shape: shape, storage: .blocks(blocks))
      if candidate.storedByteCount < best.storedByteCount { best = candidate }
    }
    return best
  }
}

extension Tensor {
  /// The same tensor kept by whichever variant takes the fewest bytes, counted exactly before
  /// anything is encoded; among equals the first of dense, bitmask, compressed rows, blocks.
  ///
  /// Blocks take part where `view` (which must cover the tensor) and their shape `outputs` x
  /// `inputs` are given. Negative zeros become positive ones unless the tensor stays dense.
  public func smallestStorage(
    view: WeightView? = nil, blocks: (outputs: Int, inputs: Int)? = nil
  ) -> Tensor {
    let tensor = dense()
    guard let bytes = tensor.denseBytes, bytes.count > 0 else { return self }
    let kept = bytes.nonzeroCount(dtype)
    let size = dtype.size
    var (best, choice) = (bytes.count, StorageChoice.dense)
    func offer(_ candidate: StorageChoice, _ byteCount: Int) {
      if byteCount < best { (best, choice) = (byteCount, candidate) }
    }
    offer(.bitmask, (count + 7) / 8 + kept * size)
    let (rows, width) = CompressedRows.split(shape)
    offer(.compressedRows, (rows + 1) * 4 + kept * (size + (CompressedRows.wide(width) ? 4 : 2)))
    if let view, let (outputs, inputs) = blocks,
      let byteCount = Blocks.byteCount(
        encoding: bytes, dtype: dtype, view: view, outputs: outputs, inputs: inputs)
    {
      offer(.blocks(view, outputs, inputs), byteCount)
    }
    return tensor.encoded(choice, bytes)
  }

  private func encoded(_ choice: StorageChoice, _ bytes: Bytes) -> Tensor {
    let storage: Storage
    switch choice {
    case .dense: return self
    case .bitmask: storage = .bitmask(Bitmask(encoding: bytes, dtype: dtype))
    case .compressedRows:
      // Indices that do not fit leave the bitmask, the next best at such sizes.
      storage =
        CompressedRows(encoding: bytes, dtype: dtype, shape: shape).map { .compressedRows($0) }
        ?? .bitmask(Bitmask(encoding: bytes, dtype: dtype))
    case .blocks(let view, let outputs, let inputs):
      storage = .blocks(
        Blocks(encoding: bytes, dtype: dtype, view: view, outputs: outputs, inputs: inputs))
    }
    return Tensor(dtype: dtype, shape: shape, storage: storage)
  }
}

private enum StorageChoice {
  case dense, bitmask, compressedRows
  case blocks(WeightView, _ outputs: Int, _ inputs: Int)
}

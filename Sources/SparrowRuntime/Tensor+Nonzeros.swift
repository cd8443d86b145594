import CKernels
import SparrowCore

extension Tensor {
  /// The number of elements that are neither positive nor negative zero, read where they are stored.
  public func nonzeroCount() -> Int {
    switch storage {
    case .dense(let bytes): Self.nonzeros(bytes, dtype)
    case .bitmask(let mask): Self.nonzeros(mask.values, dtype)
    case .compressedRows(let rows): Self.nonzeros(rows.values, dtype)
    case .blocks(let blocks): Self.nonzeros(blocks.values, dtype)
    }
  }

  /// The number of `bytes`' elements of type `dtype` that are not zero.
  static func nonzeros(_ bytes: Bytes, _ dtype: DType) -> Int {
    let count = bytes.count / dtype.size
    if dtype == .float32 {
      return Int(sp_kernels_best().pointee.count_nonzero_f32(count, bytes.pointer))
    }
    var result = 0
    for i in 0..<count where bytes.isNonzero(i, dtype) { result += 1 }
    return result
  }
}

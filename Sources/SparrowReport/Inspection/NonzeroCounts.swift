import SparrowCore
import SparrowPasses

/// Counts nonzeros of many tensors on all cores, large tensors in pieces.
enum NonzeroCounts {
  private struct Piece: Sendable {
    var tensor: Int
    var part: Tensor
  }

  private static var pieceBytes: Int { 1 << 24 }

  /// One count a tensor.
  static func of(_ tensors: [Tensor]) -> [Int] {
    var pieces: [Piece] = []
    for (i, tensor) in tensors.enumerated() {
      guard let bytes = tensor.denseBytes, bytes.count > pieceBytes else {
        pieces.append(Piece(tensor: i, part: tensor))
        continue
      }
      for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
        let part = bytes.slice(start, min(pieceBytes, bytes.count - start))
        let shape = [part.count / tensor.dtype.size]
        pieces.append(
          Piece(tensor: i, part: Tensor(dtype: tensor.dtype, shape: shape, bytes: part)))
      }
    }
    let work = pieces
    let counts = Parallel.map(work.count) { work[$0].part.nonzeroCount }
    var result = [Int](repeating: 0, count: tensors.count)
    for (piece, count) in zip(work, counts) { result[piece.tensor] += count }
    return result
  }
}

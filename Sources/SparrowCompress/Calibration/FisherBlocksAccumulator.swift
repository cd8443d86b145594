import SparrowCore
import SparrowPasses

/// Sums the outer products of gradients within blocks of neighbouring weights.
///
/// ```
/// row-major weights  | block 0 | block 1 | ... | last block, shorter |
/// sums               | B x B   | B x B   | ... | B x B, zeros beyond |
/// ```
///
/// Gradients wait until a few of them can be added to a block while it is in cache; each block takes
/// them in their order, so that sums do not depend on the number of workers.
final class FisherBlocksAccumulator: @unchecked Sendable {
  let weightCount: Int
  let blockSize: Int
  private let region: Region
  private let sums: UnsafeMutableBufferPointer<Float>
  private var waiting: [Tensor] = []
  private var added = 0
  private let depth: Int

  var blockCount: Int { (weightCount + blockSize - 1) / blockSize }

  /// Gradients that wait take this many bytes at most, as far as one does not alone.
  private static var waitingBytes: Int { 256 << 20 }

  init(weightCount: Int, blockSize: Int) {
    (self.weightCount, self.blockSize) = (weightCount, min(blockSize, max(1, weightCount)))
    let blocks = (weightCount + self.blockSize - 1) / self.blockSize
    let count = blocks * self.blockSize * self.blockSize
    region = Region(count: count * MemoryLayout<Float>.stride)
    sums = UnsafeMutableBufferPointer(
      start: region.base.bindMemory(to: Float.self, capacity: count), count: count)
    sums.initialize(repeating: 0)
    depth = max(1, min(32, Self.waitingBytes / max(1, 4 * weightCount)))
  }

  /// Adds a float32 gradient.
  func add(_ gradient: Tensor) {
    precondition(gradient.count == weightCount && gradient.dtype == .float32)
    waiting.append(gradient)
    added += 1
    if waiting.count == depth { flush() }
  }

  /// The mean outer products, `[blocks, size, size]`. Nothing can be added after it.
  func mean() -> Tensor {
    flush()
    let factor = 1 / Float(max(1, added))
    for i in sums.indices { sums[i] *= factor }
    return Tensor(dtype: .float32, shape: [blockCount, blockSize, blockSize], bytes: Bytes(region))
  }

  private func flush() {
    guard !waiting.isEmpty else { return }
    let gradients = waiting.compactMap { $0.dense().denseBytes }
    let pieces = max(1, min(blockCount, Parallel.workers * 4))
    _ = Parallel.map(pieces) { piece in
      for block in piece * blockCount / pieces..<(piece + 1) * blockCount / pieces {
        add(gradients, block)
      }
    }
    waiting.removeAll(keepingCapacity: true)
  }

  private func add(_ gradients: [Bytes], _ block: Int) {
    let first = block * blockSize
    let length = min(blockSize, weightCount - first)
    guard let base = sums.baseAddress else { return }
    let target = base + block * blockSize * blockSize
    for gradient in gradients {
      let g = gradient.pointer.assumingMemoryBound(to: Float.self) + first
      for i in 0..<length where g[i] != 0 {
        let (row, factor) = (target + i * blockSize, g[i])
        for j in 0..<length { row[j] += factor * g[j] }
      }
    }
  }
}

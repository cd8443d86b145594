import CKernels
import CPlatform
import SparrowCore

/// How a sparse product is cut up: output columns into tiles, the reduction into blocks whose input
/// of one tile stays in L1.
///
/// ```
///            columns (pixels, tokens)
///          | tile | tile | ...
///  k  block|  L1  |                 weights of a block pass over one tile's input, all rows;
///     block|      |                 sums of a tile go from block to block
/// ```
struct SparseTiling: Equatable {
  /// Floats in the widest tile's row: whole cache lines.
  let width: Int
  let tiles: Int
  private let lines: Int
  /// Cache lines from one column's input row to the next.
  let rowLines: Int
  let blocks: ReductionBlocks
  /// Whether input rows are read where they are, rather than packed.
  let isInPlace: Bool

  /// The cheapest tiling by ``cost``.
  ///
  /// - Parameters:
  ///   - columns: of the output
  ///   - entries: stored entries of the weight
  ///   - multiple: columns of the weight that a block may not separate
  ///   - planeLines: cache lines from one input row to the next where rows are read in place; nil
  ///     where they are packed
  init(
    _ kernels: UnsafePointer<sp_kernel_table>, rows: Int, columns: Int, k: Int, entries: Int,
    kind: SparseMatrix.Kind, multiple: Int, planeLines: Int? = nil
  ) {
    lines = (max(1, columns) + 15) / 16
    let lanes = Int(kernels.pointee.vector_floats)
    let widest = max(1, min(6, 6 * lanes / 16))
    var best: (cost: Double, tiles: Int, blocks: ReductionBlocks)?
    for limit in 1...widest {
      let tiles = lines.dividedUp(by: limit)
      let width = lines.dividedUp(by: tiles)
      // Offsets have 16 bits.
      let reach = 65_535 / (planeLines ?? width)
      let depth = max(multiple, min(SparseTiling.tileBytes(kind) / (64 * width), reach))
      let blocks = ReductionBlocks(k, limit: depth, multiple: multiple)
      let cost = SparseTiling.cost(
        kind, vectors: Double(lines * 16) / Double(tiles * lanes), tiles: tiles, blocks: blocks,
        rows: rows, entries: entries, isPacked: planeLines == nil)
      if cost < best?.cost ?? .infinity { best = (cost, tiles, blocks) }
    }
    tiles = best?.tiles ?? lines
    width = lines.dividedUp(by: tiles) * 16
    rowLines = planeLines ?? width / 16
    isInPlace = planeLines != nil
    blocks = best?.blocks ?? ReductionBlocks(k, limit: max(1, multiple), multiple: multiple)
  }

  /// Columns of a tile: whole cache lines, as equal as can be.
  @inline(__always)
  func columns(_ tile: Int, of columns: Int) -> (start: Int, count: Int) {
    let start = lines * tile / tiles * 16
    return (start, min(columns, lines * (tile + 1) / tiles * 16) - start)
  }

  /// Cycles, of an AVX-512 core that does two loads or FMAs a cycle.
  private static func cost(
    _ kind: SparseMatrix.Kind, vectors v: Double, tiles: Int, blocks: ReductionBlocks, rows: Int,
    entries: Int, isPacked: Bool
  ) -> Double {
    let entry =
      switch kind {
      case .single: (v + 1.5) / 2
      case .block1x4: (4 * v + 5) / 2
      case .block4x1: 2 * v + 0.5
      }
    // Sums are loaded and stored once a block, through L2 for many rows.
    let row = blocks.count == 1 ? v + 4 : 2 * v + 4
    let pack = isPacked ? Double(blocks.k) * v * 2 : 0
    return Double(tiles)
      * (Double(entries) * entry + Double(rows * blocks.count) * row + pack)
  }

  /// What a tile may take: of L1 the part that the weights do not stream through. An entry of four
  /// rows reads its input once for four times the work, which L2 is fast enough for.
  private static func tileBytes(_ kind: SparseMatrix.Kind) -> Int {
    let level1 = max(16_384, sp_l1_data_bytes() * 5 / 6)
    return kind == .block4x1 ? 4 * level1 : level1
  }
}

import CKernels
import SparrowCore

/// A weight's nonzeros as the streams the sparse kernels read.
///
/// The columns (the reduction) are cut into blocks so that the input of one block and output tile
/// stays in L1; offsets count cache lines from the input row of the block's first column.
///
/// In each block, the row groups of a segment stand in the order of their entry counts: a loop over
/// entries then mostly ends after as many as the loop before, which the processor predicts.
///
/// ```
/// order    [block][place]      the row group at each place
/// starts   [block][place]      its first entry, blocks one after the other
/// offsets  block 0: place 0's entries, place 1's entries, ... | block 1: ...      16 bits an entry
/// values   as offsets                                                             1 or 4 floats an entry
/// ```
final class SparseMatrix: @unchecked Sendable {
  enum Kind: Int {
    /// Single weights.
    case single
    /// Four neighbouring rows share an input.
    case block4x1
    /// Four neighbouring inputs of one row.
    case block1x4

    /// Weights of an entry.
    var values: Int { self == .single ? 1 : 4 }
    /// Rows of a row group.
    var groupRows: Int { self == .block4x1 ? 4 : 1 }
  }

  let kind: Kind
  let rows: Int
  /// Row groups: rows, or quadruples of rows.
  let groups: Int
  let tiling: SparseTiling
  /// How many weights are not zero.
  let nonzeros: Int
  /// Rows of a segment, to which tasks are aligned.
  let segmentRows: Int
  private let order: UnsafeMutablePointer<UInt32>
  private let starts: UnsafeMutablePointer<UInt32>
  private let offsets: UnsafeMutablePointer<UInt16>
  /// The weights, or, of a matrix made from a mask, where each comes from (``gather(_:from:to:)``).
  private let values: UnsafeMutablePointer<Float>
  /// How many floats ``product(block:begin:end:tile:n:values:)`` reads of the weights' values.
  let valueCount: Int
  private let orderRegion: Region
  private let startsRegion: Region
  private let offsetsRegion: Region
  private let valuesRegion: Region
  /// Floats between the input rows of an entry of four inputs.
  private let inputStride: Int

  /// - Parameters:
  ///   - weights: rows x (inputs * positions), row-major, input outermost
  ///   - tiling: the reduction's blocks (whole quadruples of inputs for 1x4), and where the input
  ///     row of each column is
  init(_ weights: WeightNonzeros, positions: Int, kind: Kind, tiling: SparseTiling) {
    (self.kind, self.tiling, rows) = (kind, tiling, weights.rows)
    let blocks = tiling.blocks
    let groups = rows.dividedUp(by: kind.groupRows)
    self.groups = groups
    inputStride = positions * tiling.rowLines * 16
    segmentRows = max(32, min(256, rows.dividedUp(by: 16) * 4))
    orderRegion = Region(count: max(1, blocks.count * groups) * 4)
    startsRegion = Region(count: (blocks.count * groups + 1) * 4)
    order = orderRegion.base.bindMemory(to: UInt32.self, capacity: blocks.count * groups)
    starts = startsRegion.base.bindMemory(to: UInt32.self, capacity: blocks.count * groups + 1)

    let entries = SparseEntries(weights, kind: kind, positions: positions)
    var sorter = CountSorter(groups: groups, longest: blocks.length)
    let segment = segmentRows / kind.groupRows
    var total = 0
    for block in 0..<blocks.count {
      let range = blocks.range(block)
      for group in 0..<groups {
        sorter.counts[group] = entries.count(group, range.start, range.end)
      }
      var first = 0
      while first < groups {
        let last = min(groups, first + segment)
        let place = block * groups + first
        sorter.sort(first, last, order: order + place, starts: starts + place, &total)
        first = last
      }
    }
    starts[blocks.count * groups] = UInt32(truncatingIfNeeded: total)
    // A little slack lets kernels prefetch past the end.
    offsetsRegion = Region(count: total * 2 + 64)
    valuesRegion = Region(count: total * kind.values * 4 + 64)
    valueCount = total * kind.values
    offsets = offsetsRegion.base.bindMemory(to: UInt16.self, capacity: total)
    values = valuesRegion.base.bindMemory(to: Float.self, capacity: total * kind.values)
    for block in 0..<blocks.count {
      let range = blocks.range(block)
      for place in (block * groups)..<((block + 1) * groups) {
        let first = Int(starts[place])
        entries.store(
          Int(order[place]), range.start, range.end, step: tiling.rowLines,
          offsets: offsets + first, values: values + first * kind.values)
      }
    }
    nonzeros = weights.count
  }

  /// Memory the streams take.
  var byteCount: Int {
    orderRegion.count + startsRegion.count + offsetsRegion.count + valuesRegion.count
  }

  /// The kernel's name for profiles.
  var kernelName: String {
    switch kind {
    case .single: "f32_spmm"
    case .block4x1: "f32_spmm_4x1"
    case .block1x4: "f32_spmm_1x4"
    }
  }

  /// The product of rows `begin ..< end` (whole segments) of one block and a tile of `n` columns,
  /// without the places of its results. `given` are the values, where the matrix was made from a mask.
  @inline(__always)
  func product(
    block: Int, begin: Int, end: Int, tile: UnsafePointer<Float>, n: Int,
    values given: UnsafePointer<Float>? = nil
  ) -> sp_sparse_product {
    let step = kind.groupRows
    return sp_sparse_product(
      begin: begin / step, end: end.dividedUp(by: step), rows: rows,
      order: UnsafePointer(order + block * groups),
      start: UnsafePointer(starts + block * groups), offsets: UnsafePointer(offsets),
      values: given ?? UnsafePointer(values), tile: tile, tile_stride: inputStride, n: n, sums: nil,
      sums_stride: 0, c: nil, ldc: 0)
  }

  @inline(__always)
  func multiply(
    _ kernels: UnsafePointer<sp_kernel_table>, _ product: UnsafePointer<sp_sparse_product>,
    _ epilogue: UnsafePointer<sp_epilogue>
  ) {
    switch kind {
    case .single: kernels.pointee.f32_spmm(product, epilogue)
    case .block4x1: kernels.pointee.f32_spmm_4x1(product, epilogue)
    case .block1x4: kernels.pointee.f32_spmm_1x4(product, epilogue)
    }
  }
}

extension SparseMatrix {
  /// A stand-in for weights of which only the mask is known: each kept element holds its own number, plus
  /// 1, as its bit pattern. A matrix made from it says where its values come from.
  static func sources(of mask: Tensor) -> Tensor {
    let count = mask.count
    let bytes = mask.withFlags { flags in
      Bytes(count: count * 4) { target in
        guard let base = target.baseAddress?.bindMemory(to: UInt32.self, capacity: count) else {
          return
        }
        for i in 0..<count { base[i] = flags[i] == 0 ? 0 : UInt32(truncatingIfNeeded: i &+ 1) }
      }
    }
    return Tensor(dtype: .float32, shape: mask.shape, bytes: bytes)
  }

  /// The values `range` of a matrix made from ``sources(of:)``, from the present weight.
  @inline(__always)
  func gather(
    _ range: Range<Int>, from weight: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>
  ) {
    for i in range {
      let source = Int(truncatingIfNeeded: values[i].bitPattern)
      target[i] = source == 0 ? 0 : weight[source &- 1]
    }
  }
}

/// Puts row groups in the order of their entry counts, equal ones in their own.
private struct CountSorter {
  /// Of each group, in the present block.
  var counts: [Int]
  private var places: [Int]

  /// `longest` is the most entries a group can have in a block.
  init(groups: Int, longest: Int) {
    counts = [Int](repeating: 0, count: groups)
    places = [Int](repeating: 0, count: longest + 2)
  }

  /// Groups `first ..< last`: which stands at each place, and where its entries begin. `total` counts
  /// the entries of all.
  mutating func sort(
    _ first: Int, _ last: Int, order: UnsafeMutablePointer<UInt32>,
    starts: UnsafeMutablePointer<UInt32>, _ total: inout Int
  ) {
    var most = 0
    for group in first..<last { most = max(most, counts[group]) }
    for i in 0...(most + 1) { places[i] = 0 }
    for group in first..<last { places[counts[group] + 1] += 1 }
    for i in 0...most { places[i + 1] += places[i] }
    for group in first..<last {
      order[places[counts[group]]] = UInt32(truncatingIfNeeded: group)
      places[counts[group]] += 1
    }
    for place in 0..<(last - first) {
      starts[place] = UInt32(truncatingIfNeeded: total)
      total += counts[Int(order[place])]
    }
  }
}

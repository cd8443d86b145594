import CKernels
import Testing

/// A sparse matrix in each of the three stream layouts, and its product in float64.
struct SparseMatrix {
  enum Layout: CaseIterable { case unstructured, fourRows, fourInputs }

  let layout: Layout
  let rows, inputs: Int
  private let dense: [Float]
  private let kept: [Bool]
  /// The row groups in the order in which the streams hold them: any order will do.
  let order: [UInt32]
  /// The inputs and weights of each row.
  private let entries: [[(input: Int, weight: Double)]]

  init(
    _ layout: Layout, rows: Int, inputs: Int, sparsity: Float, weights: [Float]? = nil,
    random: inout Random
  ) {
    self.layout = layout
    self.rows = rows
    self.inputs = inputs
    let dense = weights ?? random.floats(rows * inputs)
    var kept = [Bool](repeating: false, count: rows * inputs)
    for r in 0..<rows {
      for i in 0..<inputs {
        let leader =
          switch layout {
          case .unstructured: (r, i)
          case .fourRows: (r / 4 * 4, i)
          case .fourInputs: (r, i / 4 * 4)
          }
        kept[r * inputs + i] =
          leader == (r, i)
          ? (random.float() + 1) / 2 >= sparsity : kept[leader.0 * inputs + leader.1]
      }
    }
    let groups = layout == .fourRows ? (rows + 3) / 4 : rows
    order = (0..<groups).map { UInt32($0) }.shuffled(using: &random)
    (self.dense, self.kept) = (dense, kept)
    entries = (0..<rows).map { r in
      (0..<inputs).compactMap {
        kept[r * inputs + $0] ? (input: $0, weight: Double(dense[r * inputs + $0])) : nil
      }
    }
  }

  var groupRows: Int { layout == .fourRows ? 4 : 1 }

  /// The rows at places `places` of the order.
  func rows(at places: Range<Int>) -> Set<Int> {
    var result: Set<Int> = []
    for group in order[places] {
      let first = Int(group) * groupRows
      result.formUnion(first..<min(rows, first + groupRows))
    }
    return result
  }

  private func value(_ r: Int, _ i: Int) -> Float {
    r < rows && i < inputs && kept[r * inputs + i] ? dense[r * inputs + i] : 0
  }

  /// Calls the layout's kernel on input rows `rowLines` cache lines apart; `sums` and `c` with the
  /// distances between their rows. The streams end at guard pages.
  func multiply(
    _ t: sp_kernel_table, tile: UnsafePointer<Float>, rowLines: Int, n: Int,
    sums: (UnsafeMutablePointer<Float>, stride: Int)?, c: (UnsafeMutablePointer<Float>, ldc: Int)?,
    places: Range<Int>? = nil, _ epilogue: sp_epilogue
  ) {
    var start: [UInt32] = [0]
    var offsets: [UInt16] = []
    var values: [Float] = []
    for group in order {
      let r = Int(group) * groupRows
      for i in Swift.stride(from: 0, to: inputs, by: layout == .fourInputs ? 4 : 1)
      where kept[r * inputs + i] {
        offsets.append(UInt16(i * rowLines))
        switch layout {
        case .unstructured: values.append(value(r, i))
        case .fourRows: values += (0..<4).map { value(r + $0, i) }
        case .fourInputs: values += (0..<4).map { value(r, i + $0) }
        }
      }
      start.append(UInt32(offsets.count))
    }
    let streams = (Stream(order), Stream(start), Stream(offsets), Stream(values))
    var product = sp_sparse_product(
      begin: places?.lowerBound ?? 0, end: places?.upperBound ?? order.count, rows: rows,
      order: streams.0.pointer, start: streams.1.pointer, offsets: streams.2.pointer,
      values: streams.3.pointer, tile: tile, tile_stride: rowLines * 16, n: n, sums: sums?.0,
      sums_stride: sums?.stride ?? 0, c: c?.0, ldc: c?.ldc ?? 0)
    var epilogue = epilogue
    withExtendedLifetime(streams) {
      switch layout {
      case .unstructured: t.f32_spmm(&product, &epilogue)
      case .fourRows: t.f32_spmm_4x1(&product, &epilogue)
      case .fourInputs: t.f32_spmm_1x4(&product, &epilogue)
      }
    }
  }

  /// Row r times column j of a tile, and the sum of the terms' magnitudes.
  func product(
    _ r: Int, _ tile: Guarded, stride: Int, _ j: Int
  ) -> (sum: Double, magnitude: Double) {
    var (sum, magnitude) = (0.0, 0.0)
    let input = tile.pointer + j
    for (i, weight) in entries[r] {
      let term = weight * Double(input[i * stride])
      sum += term
      magnitude += term.magnitude
    }
    return (sum, magnitude)
  }
}

/// Numbers that end at an inaccessible page.
final class Stream<Element: BitwiseCopyable> {
  let pointer: UnsafePointer<Element>
  private let memory: Guarded

  init(_ elements: [Element]) {
    let bytes = elements.count * MemoryLayout<Element>.stride
    memory = Guarded((bytes + 3) / 4)
    let end = UnsafeMutableRawPointer(memory.pointer + memory.count)
    let target = (end - bytes).bindMemory(to: Element.self, capacity: elements.count)
    for (i, element) in elements.enumerated() { target[i] = element }
    pointer = UnsafePointer(target)
  }
}

extension EpilogueCase {
  /// Sparse products have no column bias.
  static let sparse = all.filter { !$0.columnBias }
  static let fewSparse = [
    EpilogueCase(), EpilogueCase(accumulate: true, last: false), EpilogueCase(last: false),
    EpilogueCase(rowBias: true, residual: true, clamp: true, accumulate: true),
  ]
}

/// One product of a tile, with everything around what the kernel may touch guarded or NaN.
struct SparseProduct {
  let isa: ISA
  let matrix: SparseMatrix
  let choice: EpilogueCase
  var side = Guarded.Side.end
  var places: Range<Int>?

  func check(n: Int, random: inout Random) {
    let lanes = isa.lanes
    let whole = (n + lanes - 1) / lanes * lanes
    let rowLines = (n + 15) / 16 + n % 2

    // Input rows, NaN wherever no output comes from.
    let stride = rowLines * 16
    let tile = Guarded(
      (matrix.inputs - 1) * stride + whole, repeating: .nan, against: side)
    for i in 0..<matrix.inputs {
      for j in 0..<n { tile.pointer[i * stride + j] = random.float() }
    }
    let sumsStride = whole + 3
    let sums = Guarded((matrix.rows - 1) * sumsStride + whole, repeating: untouched, against: side)
    if choice.accumulate {
      for r in 0..<matrix.rows {
        for j in 0..<whole { sums.pointer[r * sumsStride + j] = random.float() }
      }
    }
    let before = sums.values
    let ldc = n + 2
    let c = Guarded((matrix.rows - 1) * ldc + n, repeating: untouched, against: side)
    let epilogue = EpilogueInputs(choice, rows: matrix.rows, columns: n, random: &random)

    var expectedC = [Expected?](repeating: nil, count: c.count)
    var expectedSums = before.map { Expected(Double($0), error: 0) as Expected? }
    var isFree = [Bool](repeating: false, count: before.count)
    let rows = matrix.rows(at: places ?? 0..<matrix.order.count)
    for r in rows {
      for j in 0..<whole {
        let cell = r * sumsStride + j
        guard j < n else {
          isFree[cell] = !choice.last
          continue
        }
        let (sum, magnitude) = matrix.product(r, tile, stride: stride, j)
        let result = epilogue.finish(
          sum, magnitude: magnitude, i: r, j: j, present: before[cell])
        if choice.last {
          expectedC[r * ldc + j] = result
        } else {
          expectedSums[cell] = result
        }
      }
    }
    matrix.multiply(
      isa.kernels, tile: tile.pointer, rowLines: rowLines, n: n,
      sums: choice.accumulate || !choice.last ? (sums.pointer, sumsStride) : nil,
      c: choice.last ? (c.pointer, ldc) : nil, places: places, epilogue.value)
    // Lanes of the sums that are no outputs may hold anything.
    for cell in before.indices where isFree[cell] { sums.pointer[cell] = before[cell] }
    let context = "\(matrix.layout) \(matrix.rows)x\(matrix.inputs)x\(n), \(choice)"
    CKernelsTests.check(c, expectedC, "C of \(context)")
    CKernelsTests.check(sums, expectedSums, "sums of \(context)")
  }
}

import CKernels
import Testing

/// A sparse matrix in each of the three stream layouts, and its product in float64.
private struct SparseMatrix {
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
    runs: Runs? = nil, places: Range<Int>? = nil, _ epilogue: sp_epilogue
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
      sums_stride: sums?.stride ?? 0, c: c?.0, ldc: c?.ldc ?? 0, runs: runs?.runs.pointer,
      run_start: runs?.start.pointer)
    var epilogue = epilogue
    withExtendedLifetime((streams, runs)) {
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
private final class Stream<Element: BitwiseCopyable> {
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

/// Output planes whose lines are `line` columns of the product apart, with `width` pixels each.
private struct Lines {
  let line, width, height: Int

  var columns: Int { (height - 1) * line + width }
  var pixels: Int { height * width }
  func pixel(_ column: Int) -> Int? {
    column < columns && column % line < width ? column / line * width + column % line : nil
  }
}

/// The runs of the vectors of columns `first ..< end`.
private struct Runs {
  let runs: Stream<sp_run>
  let start: Stream<UInt32>

  init(_ lines: Lines, _ first: Int, _ end: Int, lanes: Int) {
    var runs: [sp_run] = []
    var start: [UInt32] = [0]
    for vector in Swift.stride(from: first, to: end, by: lanes) {
      var previous: Int?
      for lane in 0..<lanes {
        let pixel = vector + lane < end ? lines.pixel(vector + lane) : nil
        if let pixel, let previous, pixel == previous + 1, lines.line > lines.width,
          (vector + lane) % lines.line != 0
        {
          runs[runs.count - 1].hi += 1
          runs[runs.count - 1].mask |= 1 << lane
        } else if let pixel {
          runs.append(
            sp_run(
              target: Int32(pixel - lane), lo: UInt8(lane), hi: UInt8(lane + 1), mask: 1 << lane))
        }
        previous = pixel
      }
      start.append(UInt32(runs.count))
    }
    self.runs = Stream(runs)
    self.start = Stream(start)
  }
}

extension EpilogueCase {
  /// Sparse products have no column bias.
  fileprivate static let sparse = all.filter { !$0.columnBias }
  fileprivate static let fewSparse = [
    EpilogueCase(), EpilogueCase(accumulate: true, last: false), EpilogueCase(last: false),
    EpilogueCase(rowBias: true, residual: true, clamp: true, accumulate: true),
  ]
}

/// One product of a tile, with everything around what the kernel may touch guarded or NaN.
private struct SparseProduct {
  let isa: ISA
  let matrix: SparseMatrix
  let choice: EpilogueCase
  var side = Guarded.Side.end
  /// nil: column j of the tile is element j of a row of C.
  var lines: Lines?
  var places: Range<Int>?

  /// `n` columns, of which `first` is the first in `lines`.
  func check(n: Int, first: Int = 0, random: inout Random) {
    let lanes = isa.lanes
    let whole = (n + lanes - 1) / lanes * lanes
    let rowLines = (n + 15) / 16 + n % 2
    let pixels: [Int?] = (0..<n).map { lines == nil ? $0 : lines?.pixel(first + $0) }
    let columns = lines?.pixels ?? n

    // Input rows, NaN wherever no output comes from.
    let stride = rowLines * 16
    let tile = Guarded(
      (matrix.inputs - 1) * stride + whole, repeating: .nan, against: side)
    for i in 0..<matrix.inputs {
      for j in 0..<n where pixels[j] != nil { tile.pointer[i * stride + j] = random.float() }
    }
    let sumsStride = whole + 3
    let sums = Guarded((matrix.rows - 1) * sumsStride + whole, repeating: untouched, against: side)
    if choice.accumulate {
      for r in 0..<matrix.rows {
        for j in 0..<whole { sums.pointer[r * sumsStride + j] = random.float() }
      }
    }
    let before = sums.values
    let ldc = columns + 2
    let c = Guarded((matrix.rows - 1) * ldc + columns, repeating: untouched, against: side)
    let epilogue = EpilogueInputs(choice, rows: matrix.rows, columns: columns, random: &random)

    var expectedC = [Expected?](repeating: nil, count: c.count)
    var expectedSums = before.map { Expected(Double($0), error: 0) as Expected? }
    var isFree = [Bool](repeating: false, count: before.count)
    let rows = matrix.rows(at: places ?? 0..<matrix.order.count)
    for r in rows {
      for j in 0..<whole {
        let cell = r * sumsStride + j
        guard j < n, let pixel = pixels[j] else {
          isFree[cell] = !choice.last
          continue
        }
        let (sum, magnitude) = matrix.product(r, tile, stride: stride, j)
        let result = epilogue.finish(
          sum, magnitude: magnitude, i: r, j: pixel, present: before[cell])
        if choice.last {
          expectedC[r * ldc + pixel] = result
        } else {
          expectedSums[cell] = result
        }
      }
    }
    matrix.multiply(
      isa.kernels, tile: tile.pointer, rowLines: rowLines, n: n,
      sums: choice.accumulate || !choice.last ? (sums.pointer, sumsStride) : nil,
      c: choice.last ? (c.pointer, ldc) : nil,
      runs: lines.map { Runs($0, first, first + n, lanes: lanes) }, places: places, epilogue.value)
    // Lanes of the sums that are no outputs may hold anything.
    for cell in before.indices where isFree[cell] { sums.pointer[cell] = before[cell] }
    let context =
      "\(matrix.layout) \(matrix.rows)x\(matrix.inputs)x\(n) from \(first), \(choice), "
      + "\(lines.map { "\($0)" } ?? "in order")"
    CKernelsTests.check(c, expectedC, "C of \(context)")
    CKernelsTests.check(sums, expectedSums, "sums of \(context)")
  }
}

@Suite struct SpmmTests {
  /// Around every vector and strip edge.
  @Test(arguments: ISA.available) func everyWidth(isa: ISA) {
    var random = Random(seed: 11)
    let lanes = isa.lanes
    var widths = Set(1...2 * lanes + 1)
    for vectors in 3...17 {
      widths.formUnion([vectors * lanes - 1, vectors * lanes, vectors * lanes + 1])
    }
    for layout in SparseMatrix.Layout.allCases {
      let matrix = SparseMatrix(layout, rows: 5, inputs: 12, sparsity: 0.4, random: &random)
      for n in widths.sorted() {
        for choice in [EpilogueCase(rowBias: true), EpilogueCase(accumulate: true, last: false)] {
          let product = SparseProduct(
            isa: isa, matrix: matrix, choice: choice, side: n % 2 == 0 ? .end : .start)
          product.check(n: n, random: &random)
        }
      }
    }
  }

  /// Rows of every number of entries that loops over several at once treat differently, and of none.
  @Test(arguments: ISA.available, [0, 0.5, 0.9, 1] as [Float])
  func everySparsity(isa: ISA, sparsity: Float) {
    var random = Random(seed: 12)
    for layout in SparseMatrix.Layout.allCases {
      for (rows, inputs) in [(1, 4), (3, 12), (4, 40), (9, 64), (13, 20)] {
        let matrix = SparseMatrix(
          layout, rows: rows, inputs: inputs, sparsity: sparsity, random: &random)
        for n in [1, isa.lanes, 2 * isa.lanes + 1, 4 * isa.lanes + 3, 6 * isa.lanes] {
          for choice in EpilogueCase.fewSparse {
            SparseProduct(isa: isa, matrix: matrix, choice: choice).check(n: n, random: &random)
          }
        }
      }
    }
  }

  @Test(arguments: ISA.available) func everyEpilogue(isa: ISA) {
    var random = Random(seed: 13)
    for layout in SparseMatrix.Layout.allCases {
      let matrix = SparseMatrix(layout, rows: 6, inputs: 8, sparsity: 0.5, random: &random)
      for choice in EpilogueCase.sparse {
        // One vector and a lane; as many strips as a row has.
        for n in [2 * isa.lanes + 1, 7 * isa.lanes - 1] {
          SparseProduct(isa: isa, matrix: matrix, choice: choice).check(n: n, random: &random)
        }
      }
    }
  }

  /// Lines of output with unused columns between: in every vector, at their edges, over several
  /// vectors, and several lines in one vector. Any tile of cache lines, at either end of a plane.
  @Test(
    arguments: ISA.available,
    [
      (2, 1, 40), (5, 3, 20), (9, 7, 7), (16, 14, 6), (17, 1, 6), (18, 16, 4), (34, 33, 3),
      (75, 5, 3),
    ]
  )
  func scatteredOutput(isa: ISA, shape: (line: Int, width: Int, height: Int)) {
    var random = Random(seed: 17)
    let lines = Lines(line: shape.line, width: shape.width, height: shape.height)
    for layout in SparseMatrix.Layout.allCases {
      let matrix = SparseMatrix(layout, rows: 5, inputs: 8, sparsity: 0.4, random: &random)
      for i in Swift.stride(from: shape.width % 3, to: EpilogueCase.sparse.count, by: 3) {
        let choice = EpilogueCase.sparse[i]
        let product = SparseProduct(
          isa: isa, matrix: matrix, choice: choice, side: i % 2 == 0 ? .end : .start, lines: lines)
        let width = [16, 48, 96, 128][i % 4]
        let first = Int.random(in: 0...(lines.columns - 1) / 16, using: &random) * 16
        product.check(n: min(width, lines.columns - first), first: first, random: &random)
        product.check(n: min(width, lines.columns), random: &random)
      }
    }
  }

  /// Rows at other places of the order stay as they were.
  @Test(arguments: ISA.available, [nil, Lines(line: 7, width: 5, height: 3)] as [Lines?])
  private func rangesOfPlaces(isa: ISA, lines: Lines?) {
    var random = Random(seed: 14)
    for layout in SparseMatrix.Layout.allCases {
      let matrix = SparseMatrix(layout, rows: 11, inputs: 8, sparsity: 0.3, random: &random)
      let count = matrix.order.count
      for choice in EpilogueCase.fewSparse {
        for places in [0..<0, 0..<1, 1..<count, count - 1..<count, 1..<count - 1] {
          SparseProduct(isa: isa, matrix: matrix, choice: choice, lines: lines, places: places)
            .check(n: lines?.columns ?? 5, random: &random)
        }
      }
    }
  }

  /// A row of C may be its own residual.
  @Test(arguments: ISA.available, [nil, Lines(line: 11, width: 9, height: 5)] as [Lines?])
  private func residualInPlace(isa: ISA, lines: Lines?) {
    var random = Random(seed: 18)
    for layout in SparseMatrix.Layout.allCases {
      let matrix = SparseMatrix(layout, rows: 6, inputs: 8, sparsity: 0.3, random: &random)
      let n = lines?.columns ?? 53
      let (columns, whole) = (lines?.pixels ?? n, (n + isa.lanes - 1) / isa.lanes * isa.lanes)
      let tile = Guarded(random.floats(7 * 64 + whole))
      let c = Guarded(random.floats(6 * columns))
      let present = c.values
      var expected = [Expected?](repeating: nil, count: c.count)
      for r in 0..<6 {
        for j in 0..<n {
          guard let pixel = lines == nil ? j : lines?.pixel(j) else { continue }
          let (sum, magnitude) = matrix.product(r, tile, stride: 64, j)
          expected[r * columns + pixel] = Expected(
            sum + Double(present[r * columns + pixel]), error: Tolerance.sum * (magnitude + 1))
        }
      }
      let epilogue = sp_epilogue(
        row_bias: nil, column_bias: nil, residual: c.pointer, residual_stride: columns,
        lo: -.infinity, hi: .infinity, accumulate: false, last: true)
      matrix.multiply(
        isa.kernels, tile: tile.pointer, rowLines: 4, n: n, sums: nil, c: (c.pointer, columns),
        runs: lines.map { Runs($0, 0, n, lanes: isa.lanes) }, epilogue)
      check(c, expected, "\(layout), \(lines.map { "\($0)" } ?? "in order")")
    }
  }

  /// Blocks of the reduction one after the other, and the results where the sums were.
  @Test(arguments: ISA.available) func sumsBecomeResults(isa: ISA) {
    var random = Random(seed: 19)
    let n = 3 * isa.lanes + 2
    let (whole, lines) = ((n + isa.lanes - 1) / isa.lanes * isa.lanes, (n + 15) / 16)
    for layout in SparseMatrix.Layout.allCases {
      let blocks = (0..<3).map { _ in
        SparseMatrix(layout, rows: 7, inputs: 12, sparsity: 0.5, random: &random)
      }
      let tiles = (0..<3).map { _ in Guarded(random.floats(11 * lines * 16 + whole)) }
      let sums = Guarded(7 * whole)
      for (i, block) in blocks.enumerated() {
        let epilogue = sp_epilogue(
          row_bias: nil, column_bias: nil, residual: nil, residual_stride: 0, lo: -0.5, hi: 0.75,
          accumulate: i > 0, last: i == 2)
        block.multiply(
          isa.kernels, tile: tiles[i].pointer, rowLines: lines, n: n, sums: (sums.pointer, whole),
          c: (sums.pointer, whole), epilogue)
      }
      for r in 0..<7 {
        for j in 0..<n {
          var (sum, magnitude) = (0.0, 0.0)
          for (block, tile) in zip(blocks, tiles) {
            let part = block.product(r, tile, stride: lines * 16, j)
            sum += part.sum
            magnitude += part.magnitude
          }
          let result = Double(sums.pointer[r * whole + j])
          #expect(abs(result - min(max(sum, -0.5), 0.75)) <= Tolerance.sum * magnitude)
        }
      }
    }
  }

  /// The last cache line that 16 bits reach is 4 MB after the tile's start.
  @Test(arguments: ISA.available) func farthestOffset(isa: ISA) {
    let far = Int(UInt16.max) * 16
    let tile = Guarded(far + isa.lanes)
    for lane in 0..<isa.lanes { tile.pointer[far + lane] = Float(lane + 1) }
    let values: [Float] = [0.5, 1, 2, 4]
    let c = Guarded(4 * isa.lanes)
    let streams = (Stream([UInt32(0)]), Stream([0, 1] as [UInt32]), Stream([UInt16.max]))
    let weights = Stream(values)
    var epilogue = sp_epilogue(
      row_bias: nil, column_bias: nil, residual: nil, residual_stride: 0, lo: -.infinity,
      hi: .infinity, accumulate: false, last: true)
    for rows in [1, 4] {
      var product = sp_sparse_product(
        begin: 0, end: 1, rows: rows, order: streams.0.pointer, start: streams.1.pointer,
        offsets: streams.2.pointer, values: weights.pointer, tile: tile.pointer, tile_stride: 0,
        n: isa.lanes, sums: nil, sums_stride: 0, c: c.pointer, ldc: isa.lanes, runs: nil,
        run_start: nil)
      withExtendedLifetime((streams, weights)) {
        if rows == 1 {
          isa.kernels.f32_spmm(&product, &epilogue)
        } else {
          isa.kernels.f32_spmm_4x1(&product, &epilogue)
        }
      }
      for r in 0..<rows {
        for lane in 0..<isa.lanes {
          #expect(c.pointer[r * isa.lanes + lane] == values[r] * Float(lane + 1))
        }
      }
    }
  }

  @Test(arguments: ISA.available) func nanAndInfinitySpread(isa: ISA) {
    var random = Random(seed: 15)
    for layout in SparseMatrix.Layout.allCases {
      let zeros = [Float](repeating: 0, count: 16)
      let matrix = SparseMatrix(
        layout, rows: 4, inputs: 4, sparsity: 0, weights: zeros, random: &random)
      let n = isa.lanes + 1
      let (lines, whole) = ((n + 15) / 16, 2 * isa.lanes)
      let tile = Guarded(3 * lines * 16 + whole, repeating: 1)
      tile.pointer[0] = .nan
      tile.pointer[n - 1] = .infinity
      let c = Guarded(4 * n)
      let e = EpilogueInputs(EpilogueCase(clamp: true), rows: 4, columns: n, random: &random).value
      matrix.multiply(
        isa.kernels, tile: tile.pointer, rowLines: lines, n: n, sums: nil, c: (c.pointer, n), e)
      for r in 0..<4 {
        #expect(c.pointer[r * n].isNaN && c.pointer[r * n + n - 1].isNaN)
        #expect(n < 3 || c.pointer[r * n + 1] == 0)
      }
    }
  }

  /// Nothing but the `n` elements of each row is read, and nothing but whole vectors is written.
  @Test(arguments: ISA.available) func gatherRows(isa: ISA) {
    var random = Random(seed: 20)
    let lanes = isa.lanes
    var lengths = Set(1...2 * lanes + 1)
    for vectors in [3, 4, 5, 6, 7, 12, 13] {
      lengths.formUnion([vectors * lanes - 1, vectors * lanes, vectors * lanes + 1])
    }
    for n in lengths.sorted() {
      for (rows, side) in [(0, Guarded.Side.end), (1, .start), (1, .end), (9, .end)] {
        let source = Guarded(random.floats(n + 23), against: side)
        source.pointer[n + 22] = Float(bitPattern: 0x7fa1_2345)
        // The source's end and start among them.
        let offsets = (0..<rows).map { row in
          row == 0 ? (side == .end ? UInt32(23) : 0) : UInt32.random(in: 0...23, using: &random)
        }
        let whole = (n + lanes - 1) / lanes * lanes
        let stride = whole + 3
        let target = Guarded(rows == 0 ? 1 : (rows - 1) * stride + whole, repeating: untouched)
        let stream = Stream(offsets)
        withExtendedLifetime(stream) {
          isa.kernels.f32_gather_rows(
            rows, stream.pointer, source.pointer, n, target.pointer, stride)
        }
        var isExact = true
        for (cell, value) in target.values.enumerated() {
          let (row, j) = (cell / stride, cell % stride)
          if row < rows, j < n {
            let wanted = source.pointer[Int(offsets[row]) + j]
            isExact = isExact && value.bitPattern == wanted.bitPattern
          } else if row >= rows || j >= whole {
            isExact = isExact && value == untouched
          }
        }
        #expect(isExact, "\(rows) rows of \(n) elements")
      }
    }
  }

  /// Row lengths around every number of lanes, with a row of none between.
  @Test(arguments: ISA.available) func matrixVector(isa: ISA) {
    var random = Random(seed: 16)
    let x = Guarded(random.floats(101))
    var start: [UInt32] = [0]
    var pairs: [sp_sparse_pair] = []
    let lengths = Array(0...2 * isa.lanes + 3) + [4 * isa.lanes + 5, 0, 100]
    for length in lengths {
      for _ in 0..<length {
        pairs.append(
          sp_sparse_pair(
            offset: UInt32.random(in: 0...100, using: &random) * 4, value: random.float()))
      }
      start.append(UInt32(pairs.count))
    }
    let stream = Guarded(pairs.count * 2)
    for (i, pair) in pairs.enumerated() {
      stream.pointer[2 * i] = Float(bitPattern: pair.offset)
      stream.pointer[2 * i + 1] = pair.value
    }
    for choice in EpilogueCase.all {
      let y = Guarded(lengths.count, repeating: 0.375)
      let epilogue = EpilogueInputs(choice, rows: lengths.count, columns: 1, random: &random)
      var expected: [Expected?] = []
      for r in lengths.indices {
        let terms = pairs[Int(start[r])..<Int(start[r + 1])].map {
          Double($0.value) * Double(x.pointer[Int($0.offset / 4)])
        }
        let magnitude = terms.reduce(0) { $0 + abs($1) }
        expected.append(
          epilogue.finish(terms.reduce(0, +), magnitude: magnitude, i: r, j: 0, present: 0.375))
      }
      var e = epilogue.value
      stream.pointer.withMemoryRebound(to: sp_sparse_pair.self, capacity: pairs.count) {
        isa.kernels.f32_spmv(0, lengths.count, start, $0, x.pointer, y.pointer, &e)
      }
      check(y, expected, "spmv, \(choice)")
    }
  }
}

import CKernels
import Testing

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

  /// Rows at other places of the order stay as they were.
  @Test(arguments: ISA.available) func rangesOfPlaces(isa: ISA) {
    var random = Random(seed: 14)
    for layout in SparseMatrix.Layout.allCases {
      let matrix = SparseMatrix(layout, rows: 11, inputs: 8, sparsity: 0.3, random: &random)
      let count = matrix.order.count
      for choice in EpilogueCase.fewSparse {
        for places in [0..<0, 0..<1, 1..<count, count - 1..<count, 1..<count - 1] {
          SparseProduct(isa: isa, matrix: matrix, choice: choice, places: places)
            .check(n: 5, random: &random)
        }
      }
    }
  }

  /// A row of C may be its own residual.
  @Test(arguments: ISA.available) func residualInPlace(isa: ISA) {
    var random = Random(seed: 18)
    for layout in SparseMatrix.Layout.allCases {
      let matrix = SparseMatrix(layout, rows: 6, inputs: 8, sparsity: 0.3, random: &random)
      let n = 53
      let whole = (n + isa.lanes - 1) / isa.lanes * isa.lanes
      let tile = Guarded(random.floats(7 * 64 + whole))
      let c = Guarded(random.floats(6 * n))
      let present = c.values
      var expected = [Expected?](repeating: nil, count: c.count)
      for r in 0..<6 {
        for j in 0..<n {
          let (sum, magnitude) = matrix.product(r, tile, stride: 64, j)
          expected[r * n + j] = Expected(
            sum + Double(present[r * n + j]), error: Tolerance.sum * (magnitude + 1))
        }
      }
      let epilogue = sp_epilogue(
        row_bias: nil, column_bias: nil, residual: c.pointer, residual_stride: n,
        lo: -.infinity, hi: .infinity, accumulate: false, last: true)
      matrix.multiply(
        isa.kernels, tile: tile.pointer, rowLines: 4, n: n, sums: nil, c: (c.pointer, n),
        epilogue)
      check(c, expected, "\(layout)")
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
        n: isa.lanes, sums: nil, sums_stride: 0, c: c.pointer, ldc: isa.lanes)
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

  /// Row lengths around every number of lanes, with a row of none between.
  @Test(arguments: ISA.available) func matrixVector(isa: ISA) {
    var random = Random(seed: 16)
    let x = Guarded(random.floats(101))
    var start: [UInt32] = [0]
    var columns: [UInt16] = []
    let lengths = Array(0...2 * isa.lanes + 3) + [4 * isa.lanes + 5, 0, 100]
    for length in lengths {
      columns += (0..<length).map { _ in UInt16.random(in: 0...99, using: &random) }
      start.append(UInt32(columns.count))
    }
    let values = Guarded(random.floats(columns.count))
    // No longer than it is asked for, and no entry's.
    columns += [UInt16](repeating: 100, count: Int(SP_SPMV_SLACK))
    x.pointer[100] = .nan
    let memory = Guarded((columns.count + 1) / 2)
    let stream =
      UnsafeMutableRawPointer(memory.pointer + memory.count)
      .assumingMemoryBound(to: UInt16.self) - columns.count
    for (i, column) in columns.enumerated() { stream[i] = column }
    for choice in EpilogueCase.all {
      let y = Guarded(lengths.count, repeating: 0.375)
      let epilogue = EpilogueInputs(choice, rows: lengths.count, columns: 1, random: &random)
      var expected: [Expected?] = []
      for r in lengths.indices {
        let terms = (Int(start[r])..<Int(start[r + 1])).map {
          Double(values.pointer[$0]) * Double(x.pointer[Int(columns[$0])])
        }
        let magnitude = terms.reduce(0) { $0 + abs($1) }
        expected.append(
          epilogue.finish(terms.reduce(0, +), magnitude: magnitude, i: r, j: 0, present: 0.375))
      }
      var e = epilogue.value
      isa.kernels.f32_spmv(
        0, lengths.count, start, stream, values.pointer, x.pointer, y.pointer, &e)
      check(y, expected, "spmv, \(choice)")
    }
  }
}

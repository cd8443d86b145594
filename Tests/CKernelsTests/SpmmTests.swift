import CKernels
import Testing

/// A sparse matrix in each of the three stream layouts, and its product in float64.
private struct SparseMatrix {
  enum Layout: CaseIterable { case unstructured, fourRows, fourInputs }

  let layout: Layout
  let rows, inputs: Int
  var dense: [Float]
  var kept: [Bool]

  init(_ layout: Layout, rows: Int, inputs: Int, sparsity: Float, random: inout Random) {
    self.layout = layout
    self.rows = rows
    self.inputs = inputs
    dense = random.floats(rows * inputs)
    kept = [Bool](repeating: false, count: rows * inputs)
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
  }

  func value(_ r: Int, _ i: Int) -> Float {
    r < rows && i < inputs && kept[r * inputs + i] ? dense[r * inputs + i] : 0
  }

  /// Writes C from a B of `inputs` rows of `stride` floats.
  func multiply(
    _ t: sp_kernel_table, b: Guarded, stride: Int, n: Int, c: Guarded, ldc: Int,
    from first: Int = 0,
    _ epilogue: inout sp_epilogue
  ) {
    var start: [UInt32] = [0]
    let offset = { (i: Int) in UInt32(i * stride * 4) }
    switch layout {
    case .unstructured:
      var pairs: [sp_sparse_pair] = []
      for r in 0..<rows {
        for i in 0..<inputs where kept[r * inputs + i] {
          pairs.append(sp_sparse_pair(offset: offset(i), value: dense[r * inputs + i]))
        }
        start.append(UInt32(pairs.count))
      }
      t.f32_spmm(first, rows, start, pairs, b.pointer, n, c.pointer, ldc, &epilogue)
    case .fourRows:
      var quads: [sp_sparse_quad] = []
      for group in 0..<(rows + 3) / 4 {
        let r = 4 * group
        for i in 0..<inputs where kept[r * inputs + i] {
          let v = (value(r, i), value(r + 1, i), value(r + 2, i), value(r + 3, i))
          quads.append(sp_sparse_quad(offset: offset(i), v: v))
        }
        start.append(UInt32(quads.count))
      }
      t.f32_spmm_4x1(
        first / 4, start.count - 1, rows, start, quads, b.pointer, n, c.pointer, ldc, &epilogue)
    case .fourInputs:
      var quads: [sp_sparse_quad] = []
      for r in 0..<rows {
        for i in Swift.stride(from: 0, to: inputs, by: 4) where kept[r * inputs + i] {
          let v = (value(r, i), value(r, i + 1), value(r, i + 2), value(r, i + 3))
          quads.append(sp_sparse_quad(offset: offset(i), v: v))
        }
        start.append(UInt32(quads.count))
      }
      t.f32_spmm_1x4(first, rows, start, quads, b.pointer, stride, n, c.pointer, ldc, &epilogue)
    }
  }
}

@Suite struct SpmmTests {
  private func run(
    _ isa: ISA, _ matrix: SparseMatrix, n: Int, _ choice: EpilogueCase, side: Guarded.Side = .end,
    random: inout Random
  ) {
    let stride = n + 1
    let b = Guarded(random.floats((matrix.inputs - 1) * stride + n), against: side)
    let ldc = n + 2
    let present = choice.accumulate ? Float(0.375) : untouched
    let c = Guarded((matrix.rows - 1) * ldc + n, repeating: untouched, against: side)
    for r in 0..<matrix.rows {
      for j in 0..<n { c.pointer[r * ldc + j] = present }
    }
    let epilogue = EpilogueInputs(choice, rows: matrix.rows, columns: n, random: &random)
    var expected = [Expected?](repeating: nil, count: c.count)
    for r in 0..<matrix.rows {
      for j in 0..<n {
        var sum = 0.0
        var magnitude = 0.0
        for i in 0..<matrix.inputs where matrix.kept[r * matrix.inputs + i] {
          let term = Double(matrix.dense[r * matrix.inputs + i]) * Double(b.pointer[i * stride + j])
          sum += term
          magnitude += abs(term)
        }
        expected[r * ldc + j] = epilogue.finish(
          sum, magnitude: magnitude, i: r, j: j, present: present)
      }
    }
    var e = epilogue.value
    matrix.multiply(isa.kernels, b: b, stride: stride, n: n, c: c, ldc: ldc, &e)
    check(c, expected, "\(matrix.layout) \(matrix.rows)x\(matrix.inputs)x\(n), \(choice)")
  }

  /// Around every vector and strip edge.
  @Test(arguments: ISA.available) func everyWidth(isa: ISA) {
    var random = Random(seed: 11)
    let lanes = isa.lanes
    var widths = Set(1...2 * lanes + 1)
    for vectors in 3...17 {
      widths.formUnion([vectors * lanes - 1, vectors * lanes, vectors * lanes + 1])
    }
    for layout in SparseMatrix.Layout.allCases {
      let matrix = SparseMatrix(layout, rows: 5, inputs: 8, sparsity: 0.5, random: &random)
      for n in widths.sorted() {
        run(
          isa, matrix, n: n, EpilogueCase(rowBias: true), side: n % 2 == 0 ? .end : .start,
          random: &random)
      }
    }
  }

  @Test(arguments: ISA.available, [0, 0.5, 0.9, 1] as [Float])
  func everySparsity(isa: ISA, sparsity: Float) {
    var random = Random(seed: 12)
    for layout in SparseMatrix.Layout.allCases {
      for (rows, inputs) in [(1, 4), (3, 12), (4, 40), (9, 64)] {
        let matrix = SparseMatrix(
          layout, rows: rows, inputs: inputs, sparsity: sparsity, random: &random)
        for n in [1, isa.lanes, 4 * isa.lanes + 3] {
          for choice in EpilogueCase.few { run(isa, matrix, n: n, choice, random: &random) }
        }
      }
    }
  }

  @Test(arguments: ISA.available) func everyEpilogue(isa: ISA) {
    var random = Random(seed: 13)
    for layout in SparseMatrix.Layout.allCases {
      let matrix = SparseMatrix(layout, rows: 6, inputs: 8, sparsity: 0.5, random: &random)
      for choice in EpilogueCase.all {
        run(isa, matrix, n: 2 * isa.lanes + 1, choice, random: &random)
      }
    }
  }

  /// Rows before the first asked for stay as they were.
  @Test(arguments: ISA.available) func rowRange(isa: ISA) {
    var random = Random(seed: 14)
    for layout in SparseMatrix.Layout.allCases {
      let matrix = SparseMatrix(layout, rows: 7, inputs: 4, sparsity: 0, random: &random)
      let b = Guarded(4 * 5, repeating: 1)
      let c = Guarded(7 * 5, repeating: untouched)
      var e = EpilogueInputs(EpilogueCase(), rows: 7, columns: 5, random: &random).value
      matrix.multiply(isa.kernels, b: b, stride: 5, n: 5, c: c, ldc: 5, from: 4, &e)
      #expect(c.values[..<20].allSatisfy { $0 == untouched })
      #expect(c.values[20...].allSatisfy { $0 != untouched })
    }
  }

  @Test(arguments: ISA.available) func nanAndInfinitySpread(isa: ISA) {
    var random = Random(seed: 15)
    for layout in SparseMatrix.Layout.allCases {
      var matrix = SparseMatrix(layout, rows: 4, inputs: 4, sparsity: 0, random: &random)
      matrix.dense = [Float](repeating: 0, count: 16)
      let n = isa.lanes + 1
      let b = Guarded(4 * n, repeating: 1)
      b.pointer[0] = .nan
      b.pointer[n - 1] = .infinity
      let c = Guarded(4 * n)
      var e = EpilogueInputs(EpilogueCase(clamp: true), rows: 4, columns: n, random: &random).value
      matrix.multiply(isa.kernels, b: b, stride: n, n: n, c: c, ldc: n, &e)
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

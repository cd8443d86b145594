import CKernels
import Testing

@Suite struct ConvolutionTests {
  /// A convolution through offsets, against float64. Input, weights and bias end at guard pages, and
  /// the gaps of the output must stay.
  private func run(
    _ isa: ISA, asRows: Bool, rows: Int, columns: Int, outputs: Int, k: Int, block: Int = 1 << 20,
    _ choice: EpilogueCase = EpilogueCase(), random: inout Random
  ) {
    let t = isa.kernels
    let height = Int(asRows ? t.gemm_mr : t.gemm_nr)
    let panels = (outputs + height - 1) / height
    let (row, outRow) = (columns + 1, columns + 2)
    let outPlane = rows * outRow + 1
    let offsets = (0..<k).map { Int32($0 * 7 % 40) }
    let lastPixel = (rows - 1) * row + columns - 1
    let x = Guarded(random.floats(lastPixel + Int(offsets.max() ?? 0) + 1))
    let matrix = random.floats(outputs * k)
    let weights = Guarded(panels * k * height)
    for p in 0..<panels {
      let source = matrix.withUnsafeBufferPointer { Guarded(Array($0[(p * height * k)...])) }
      let lanes = min(height, outputs - p * height)
      let panel = weights.pointer + p * height * k
      if asRows {
        t.f32_pack_a(lanes, k, source.pointer, k, 1, panel)
      } else {
        t.f32_pack_b(k, lanes, source.pointer, 1, k, panel)
      }
    }
    let pixels = (rows - 1) * outRow + columns
    let epilogue = EpilogueInputs(choice, rows: outputs, columns: outPlane, random: &random)
    let y = Guarded((outputs - 1) * outPlane + pixels, repeating: untouched)
    var expected = [Expected?](repeating: nil, count: y.count)
    for o in 0..<outputs {
      for r in 0..<rows {
        for i in 0..<columns {
          var (sum, magnitude) = (0.0, 0.0)
          for kk in 0..<k {
            let input = x.pointer[r * row + i + Int(offsets[kk])]
            let term = Double(matrix[o * k + kk]) * Double(input)
            sum += term
            magnitude += abs(term)
          }
          expected[o * outPlane + r * outRow + i] = epilogue.finish(
            sum, magnitude: magnitude, i: o, j: r * outRow + i, present: 0)
        }
      }
    }
    let mr = Int(t.gemm_mr)
    let tiles = k > block ? rows * ((columns + mr - 1) / mr) : 1
    let sums = Guarded((tiles * mr + Int(t.vector_floats)) * Int(t.gemm_nr), repeating: .nan)
    offsets.withUnsafeBufferPointer { table in
      guard let base = table.baseAddress ?? UnsafePointer(bitPattern: 64) else { return }
      var c = sp_direct_conv(
        x: x.pointer, offsets: base, weights: weights.pointer, y: y.pointer, k: k,
        outputs: outputs, rows: rows, columns: columns, row: row, out_row: outRow,
        out_column: 1, out_plane: outPlane)
      var e = epilogue.value
      if asRows {
        t.f32_conv_rows(&c, &e)
      } else {
        t.f32_conv_columns(&c, block, sums.pointer, &e)
      }
    }
    check(
      y, expected,
      "\(asRows ? "rows" : "columns"): \(outputs) outputs, \(rows)x\(columns), k \(k), block \(block), \(choice)"
    )
  }

  @Test(arguments: ISA.available, [true, false])
  func everyTileSize(isa: ISA, asRows: Bool) {
    var random = Random(seed: 61)
    let most = 2 * Int(isa.kernels.gemm_nr) + 1
    for columns in 1...most {
      run(isa, asRows: asRows, rows: 2, columns: columns, outputs: 3, k: 5, random: &random)
    }
    for outputs in 1...most {
      run(isa, asRows: asRows, rows: 1, columns: 4, outputs: outputs, k: 5, random: &random)
    }
  }

  @Test(arguments: ISA.available, [true, false])
  func everyDepthAndBlock(isa: ISA, asRows: Bool) {
    var random = Random(seed: 62)
    let columns = Int(isa.kernels.gemm_mr) + 3
    for k in [0, 1, 2, 7, 64, 259] {
      for block in [1, 3, 64, 1000] {
        run(
          isa, asRows: asRows, rows: 3, columns: columns, outputs: 35, k: k, block: block,
          random: &random)
      }
    }
  }

  @Test(arguments: ISA.available, [true, false])
  func everyEpilogue(isa: ISA, asRows: Bool) {
    var random = Random(seed: 63)
    for choice in EpilogueCase.all where choice.last && !choice.accumulate && !choice.columnBias {
      run(
        isa, asRows: asRows, rows: 2, columns: 19, outputs: 37, k: 9, block: 4, choice,
        random: &random)
    }
  }

  /// Channels next to each other: the product of a matrix read by columns and one of panels.
  @Test(arguments: ISA.available) func products(isa: ISA) {
    let t = isa.kernels
    var random = Random(seed: 66)
    let nr = Int(t.gemm_nr)
    for m in [1, 2, 3, 13, 31] {
      for n in [1, nr - 1, nr + 3] {
        for (k, block) in [(0, 4), (5, 8), (41, 8)] {
          let a = Guarded(random.floats(k * m))
          let b = Guarded(random.floats(k * n))
          let panels = Guarded((n + nr - 1) / nr * nr * k)
          var first = 0
          while first < n {
            t.f32_pack_b(
              k, min(nr, n - first), b.pointer + min(first, b.count), n, 1,
              panels.pointer + first * k)
            first += nr
          }
          let ldc = n + 2
          let c = Guarded((m - 1) * ldc + n, repeating: untouched)
          let choice = EpilogueCase(columnBias: true, residual: true, clamp: true)
          let epilogue = EpilogueInputs(choice, rows: m, columns: n, random: &random)
          var expected = [Expected?](repeating: nil, count: c.count)
          for i in 0..<m {
            for j in 0..<n {
              var (sum, magnitude) = (0.0, 0.0)
              for kk in 0..<k {
                let term = Double(a.pointer[kk * m + i]) * Double(b.pointer[kk * n + j])
                (sum, magnitude) = (sum + term, magnitude + abs(term))
              }
              expected[i * ldc + j] = epilogue.finish(
                sum, magnitude: magnitude, i: i, j: j, present: 0)
            }
          }
          let sums = Guarded((m * Int(t.gemm_mr) + Int(t.vector_floats)) * nr)
          let offsets = (0...k).map { Int32($0 * m) }
          offsets.withUnsafeBufferPointer { table in
            guard let base = table.baseAddress else { return }
            var product = sp_direct_conv(
              x: a.pointer, offsets: base, weights: panels.pointer, y: c.pointer, k: k, outputs: n,
              rows: 1, columns: m, row: 0, out_row: 0, out_column: ldc, out_plane: 1)
            var e = epilogue.value
            t.f32_conv_columns(&product, block, sums.pointer, &e)
          }
          check(c, expected, "product \(m)x\(n), k \(k), block \(block)")
        }
      }
    }
  }

  /// However rows and channels are cut, each sum is the same to the bit.
  @Test(arguments: ISA.available) func sumsDoNotDependOnTiles(isa: ISA) {
    let t = isa.kernels
    var random = Random(seed: 64)
    let (k, columns) = (70, 45)
    let x = Guarded(random.floats(k * columns))
    let matrix = Guarded(random.floats(k))
    let offsets = (0..<k).map { Int32($0 * columns) }
    func outputs(from first: Int, _ count: Int, asRows: Bool, block: Int) -> [Float] {
      let weights = Guarded(k * Int(asRows ? t.gemm_mr : t.gemm_nr))
      let y = Guarded(count)
      let sums = Guarded((count + Int(t.vector_floats)) * Int(t.gemm_mr * t.gemm_nr))
      var e = EpilogueInputs(EpilogueCase(), rows: 1, columns: count, random: &random).value
      offsets.withUnsafeBufferPointer { table in
        guard let base = table.baseAddress else { return }
        var c = sp_direct_conv(
          x: x.pointer + first, offsets: base, weights: weights.pointer, y: y.pointer, k: k,
          outputs: 1, rows: 1, columns: count, row: 0, out_row: 0, out_column: 1,
          out_plane: count)
        if asRows {
          t.f32_pack_a(1, k, matrix.pointer, k, 1, weights.pointer)
          t.f32_conv_rows(&c, &e)
        } else {
          t.f32_pack_b(k, 1, matrix.pointer, 1, k, weights.pointer)
          t.f32_conv_columns(&c, block, sums.pointer, &e)
        }
      }
      return y.values
    }
    for asRows in [true, false] {
      let whole = outputs(from: 0, columns, asRows: asRows, block: 1000)
      for first in [0, 1, 17, 40] {
        let part = outputs(from: first, columns - first, asRows: asRows, block: 16)
        #expect(part == Array(whole[first...]), "from \(first), rows \(asRows)")
      }
    }
  }

  /// The padded copy, for every geometry, for parts of its lines, and with room around lines and planes.
  @Test(arguments: ISA.available, Window.cases)
  func split(isa: ISA, window base: Window) {
    var window = base
    window.channels = 2
    let (extentY, extentX) = (
      (window.kernel - 1) * window.dilation, (window.kw - 1) * window.dilation
    )
    let width = window.outWidth + extentX / window.sw
    for side in [Guarded.Side.end, .start] {
      for (first, rows) in [(0, window.outHeight), (window.outHeight / 2, 2)] {
        let lines = rows + extentY / window.stride
        for (line, slack) in [(width, 0), (width + 1, 21), (max(1, width - 2), 3), (width + 40, 0)]
        {
          let layout = sp_split(
            phases_h: min(window.stride, extentY + 1), phases_w: min(window.sw, extentX + 1),
            lines: lines, line: line, plane: lines * line + slack)
          split(isa, window, first: first, layout, against: side)
        }
      }
    }
  }

  private func split(
    _ isa: ISA, _ window: Window, first: Int, _ split: sp_split, against side: Guarded.Side
  ) {
    var random = Random(seed: 65)
    let image = Guarded(random.floats(window.extent), against: side)
    let (phasesY, phasesX) = (split.phases_h, split.phases_w)
    var expected: [Expected?] = []
    for plane in 0..<(2 * phasesY * phasesX) {
      let (phaseY, phaseX) = (plane / phasesX % phasesY, plane % phasesX)
      for i in 0..<split.plane {
        let y = (first + i / split.line) * window.stride + phaseY - window.padding
        let x = i % split.line * window.sw + phaseX - window.padding
        let isInside =
          i < split.lines * split.line && (0..<window.height).contains(y)
          && (0..<window.width).contains(x)
        let start = plane / (phasesX * phasesY) * window.plane
        let value = isInside ? image.pointer[start + y * window.row + x] : 0
        expected.append(Expected(Double(value), error: 0))
      }
    }
    let copy = Guarded(expected.count, repeating: untouched)
    var (geometry, layout) = (window.geometry, split)
    isa.kernels.f32_split(&geometry, image.pointer, first, &layout, copy.pointer)
    check(copy, expected, "split \(window), lines \(split) from \(first)")
  }
}

import CKernels
import Testing

@Suite struct GemmTests {
  /// One tile against float64, with panels that end at guard pages and a result whose gaps must stay.
  private func run(_ isa: ISA, m: Int, n: Int, k: Int, _ choice: EpilogueCase, random: inout Random)
  {
    let t = isa.kernels
    let mr = Int(t.gemm_mr)
    let nr = Int(t.gemm_nr)
    let a = Guarded(random.floats(k * mr))
    let b = Guarded(random.floats(k * nr))
    let ldc = n + 2
    let present = choice.accumulate ? Float(0.375) : untouched
    let c = Guarded((m - 1) * ldc + n, repeating: untouched)
    for i in 0..<m {
      for j in 0..<n { c.pointer[i * ldc + j] = present }
    }
    let epilogue = EpilogueInputs(choice, rows: m, columns: n, random: &random)
    var expected = [Expected?](repeating: nil, count: c.count)
    for i in 0..<m {
      for j in 0..<n {
        var sum = 0.0
        var magnitude = 0.0
        for kk in 0..<k {
          let term = Double(a.pointer[kk * mr + i]) * Double(b.pointer[kk * nr + j])
          sum += term
          magnitude += abs(term)
        }
        expected[i * ldc + j] = epilogue.finish(
          sum, magnitude: magnitude, i: i, j: j, present: present)
      }
    }
    var e = epilogue.value
    t.f32_gemm(k, a.pointer, b.pointer, c.pointer, ldc, m, n, &e)
    check(c, expected, "gemm \(m)x\(n), k \(k), \(choice)")
  }

  @Test(arguments: ISA.available) func everyTileSize(isa: ISA) {
    var random = Random(seed: 1)
    for m in 1...Int(isa.kernels.gemm_mr) {
      for n in 1...Int(isa.kernels.gemm_nr) {
        run(isa, m: m, n: n, k: 5, EpilogueCase(rowBias: true), random: &random)
      }
    }
  }

  @Test(arguments: ISA.available, [0, 1, 2, 3, 4, 7, 64, 259])
  func everyDepth(isa: ISA, k: Int) {
    var random = Random(seed: 2)
    let mr = Int(isa.kernels.gemm_mr)
    let nr = Int(isa.kernels.gemm_nr)
    for m in Set([1, 2, 3, 4, mr]) {
      for n in Set([1, nr / 2, nr]) {
        run(isa, m: m, n: n, k: k, EpilogueCase(), random: &random)
      }
    }
  }

  @Test(arguments: ISA.available) func everyEpilogue(isa: ISA) {
    var random = Random(seed: 3)
    let m = Int(isa.kernels.gemm_mr)
    let n = Int(isa.kernels.gemm_nr) - 1
    for choice in EpilogueCase.all { run(isa, m: m, n: n, k: 3, choice, random: &random) }
  }

  @Test(arguments: ISA.available) func nanAndInfinitySpread(isa: ISA) {
    let t = isa.kernels
    let mr = Int(t.gemm_mr)
    let nr = Int(t.gemm_nr)
    let a = Guarded(2 * mr, repeating: 0)
    let b = Guarded(2 * nr, repeating: 1)
    b.pointer[0] = .nan
    b.pointer[1] = .infinity
    let c = Guarded(mr * nr)
    var e = sp_epilogue(
      row_bias: nil, column_bias: nil, residual: nil, residual_stride: 0, lo: 0, hi: 6,
      accumulate: false, last: true)
    t.f32_gemm(2, a.pointer, b.pointer, c.pointer, nr, mr, nr, &e)
    for i in 0..<mr {
      #expect(c.pointer[i * nr].isNaN && c.pointer[i * nr + 1].isNaN)
      #expect(c.pointer[i * nr + 2] == 0)
    }
  }

  /// Both unit-stride directions and neither, for every number of lanes and around every block edge.
  @Test(arguments: ISA.available) func packing(isa: ISA) {
    let t = isa.kernels
    var random = Random(seed: 4)
    for isA in [true, false] {
      let width = Int(isA ? t.gemm_mr : t.gemm_nr)
      for depth in [0, 1, 2, 7, 16, 17, 33] {
        for lanes in 1...width {
          for (laneStride, depthStride) in [(1, width + 3), (depth + 5, 1), (2 * depth + 1, 2)] {
            let extent = depth == 0 ? 1 : (lanes - 1) * laneStride + (depth - 1) * depthStride + 1
            let source = Guarded(random.floats(extent))
            let panel = Guarded(depth * width, repeating: untouched)
            if isA {
              t.f32_pack_a(lanes, depth, source.pointer, laneStride, depthStride, panel.pointer)
            } else {
              t.f32_pack_b(depth, lanes, source.pointer, depthStride, laneStride, panel.pointer)
            }
            var good = true
            for d in 0..<depth {
              for l in 0..<width {
                let want = l < lanes ? source.pointer[l * laneStride + d * depthStride] : 0
                good = good && panel.pointer[d * width + l] == want
              }
            }
            #expect(
              good, "pack \(isA ? "a" : "b"): \(lanes) lanes, depth \(depth), stride \(laneStride)")
          }
        }
      }
    }
  }

  @Test(arguments: ISA.available) func transposition(isa: ISA) {
    let t = isa.kernels
    var random = Random(seed: 5)
    for rows in [1, 2, 3, 7, 8, 9, 15, 16, 17, 33] {
      for columns in [1, 3, 4, 8, 15, 16, 17, 32, 35] {
        let source = Guarded(random.floats((rows - 1) * (columns + 2) + columns))
        let target = Guarded((columns - 1) * (rows + 1) + rows, repeating: untouched)
        var expected = [Expected?](repeating: nil, count: target.count)
        for i in 0..<rows {
          for j in 0..<columns {
            let value = Double(source.pointer[i * (columns + 2) + j])
            expected[j * (rows + 1) + i] = Expected(value, error: 0)
          }
        }
        t.f32_transpose(rows, columns, source.pointer, columns + 2, target.pointer, rows + 1)
        check(target, expected, "transpose \(rows)x\(columns)")
      }
    }
  }
}

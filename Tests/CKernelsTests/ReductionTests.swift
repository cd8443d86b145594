import CKernels
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct ReductionTests {
  private func lengths(_ isa: ISA) -> [Int] {
    Array(1...4 * isa.lanes + 2) + [8 * isa.lanes + 3, 1000]
  }

  @Test(arguments: ISA.available) func sum(isa: ISA) {
    var random = Random(seed: 41)
    #expect(isa.kernels.f32_sum(0, [1]) == 0)
    for n in lengths(isa) {
      let x = Guarded(random.floats(n))
      let want = x.values.reduce(0.0) { $0 + Double($1) }
      #expect(abs(Double(isa.kernels.f32_sum(n, x.pointer)) - want) <= Tolerance.sum * Double(n))
    }
  }

  @Test(arguments: ISA.available) func squaresAndDots(isa: ISA) {
    var random = Random(seed: 45)
    #expect(isa.kernels.f32_squares(0, [1], 3) == 0)
    #expect(isa.kernels.f32_centered_dot(0, [1], 3, [1]) == 0)
    for n in lengths(isa) {
      let (x, y) = (Guarded(random.floats(n)), Guarded(random.floats(n)))
      let center = Float.random(in: -1...1, using: &random)
      let differences = x.values.map { Double($0) - Double(center) }
      let squares = differences.reduce(0) { $0 + $1 * $1 }
      let dot = zip(differences, y.values).reduce(0) { $0 + $1.0 * Double($1.1) }
      let tolerance = 4 * Tolerance.sum * Double(n)
      #expect(abs(Double(isa.kernels.f32_squares(n, x.pointer, center)) - squares) <= tolerance)
      #expect(
        abs(Double(isa.kernels.f32_centered_dot(n, x.pointer, center, y.pointer)) - dot)
          <= tolerance)
    }
  }

  @Test(arguments: ISA.available) func dots(isa: ISA) {
    var random = Random(seed: 47)
    for n in lengths(isa) {
      for count in [0, 1, 3, 4, 7, 8, 13, 21] {
        let g = Guarded(random.floats(n))
        let x = Guarded(random.floats(n + 5))
        let offsets = (0..<count).map { _ in Int32.random(in: 0...5, using: &random) }
        var sums = random.floats(count)
        let want = zip(sums, offsets).map { sum, offset in
          (0..<n).reduce(Double(sum)) {
            $0 + Double(g.values[$1]) * Double(x.values[Int(offset) + $1])
          }
        }
        isa.kernels.f32_dots(n, g.pointer, x.pointer, offsets, count, &sums)
        for (found, want) in zip(sums, want) {
          #expect(abs(Double(found) - want) <= 4 * Tolerance.sum * Double(n))
        }
      }
    }
  }

  @Test(arguments: ISA.available) func blend(isa: ISA) {
    var random = Random(seed: 46)
    for n in lengths(isa) {
      let (x, y) = (Guarded(random.floats(n)), Guarded(random.floats(n)))
      let want = zip(x.values, y.values).map { (Double($0) - 0.25) * 1.5 + Double($1) * -0.75 + 2 }
      isa.kernels.f32_blend(n, x.pointer, 0.25, 1.5, y.pointer, -0.75, 2, x.pointer)
      for (found, want) in zip(x.values, want) { #expect(abs(Double(found) - want) < 1e-5) }
    }
  }

  @Test(arguments: ISA.available) func fmaChains(isa: ISA) {
    for steps in [0, 1, 5] {
      var sums = (0..<12 * isa.lanes).map { Float($0) }
      let want = sums.map { x in (0..<steps).reduce(x) { y, _ in y * 0.5 + 1 } }
      isa.kernels.f32_fma_chains(steps, &sums)
      #expect(sums == want)
    }
  }

  /// A naive float32 sum of these would stop growing at 2^24.
  @Test(arguments: ISA.available) func longSum(isa: ISA) {
    let n = 1 << 25
    let x = [Float](repeating: 1, count: n)
    #expect(isa.kernels.f32_sum(n, x) == Float(n))
  }

  @Test(arguments: ISA.available) func max(isa: ISA) {
    var random = Random(seed: 42)
    #expect(isa.kernels.f32_max(0, [1]) == -.infinity)
    for n in lengths(isa) {
      let x = Guarded(random.floats(n).map { $0 - 2 })
      #expect(isa.kernels.f32_max(n, x.pointer) == x.values.max()!)
      x.pointer[Int.random(in: 0..<n, using: &random)] = .nan
      #expect(isa.kernels.f32_max(n, x.pointer).isNaN)
    }
  }

  @Test(arguments: ISA.available) func softmax(isa: ISA) {
    var random = Random(seed: 43)
    for n in lengths(isa) {
      let x = Guarded(random.floats(n).map { 40 * $0 + 1000 })
      let largest = Double(x.values.max()!)
      let powers = x.values.map { exp(Double($0) - largest) }
      let sum = powers.reduce(0, +)
      let want = powers.map { Expected($0 / sum, error: 3 * Tolerance.function * $0 / sum + 1e-30) }
      isa.kernels.f32_softmax(n, x.pointer, x.pointer)
      check(x, want, "softmax \(n)")
    }
    let masked = Guarded([-.infinity, 0, -.infinity])
    isa.kernels.f32_softmax(3, masked.pointer, masked.pointer)
    #expect(masked.values == [0, 1, 0])
    let broken = Guarded([0, .nan, 1])
    isa.kernels.f32_softmax(3, broken.pointer, broken.pointer)
    #expect(broken.values.allSatisfy { $0.isNaN })
  }

  @Test(arguments: ISA.available) func layerNorm(isa: ISA) {
    var random = Random(seed: 44)
    for n in lengths(isa) {
      for affine in [false, true] {
        // The mean is much larger than the deviation: a one-pass variance would lose it.
        let x = Guarded(random.floats(n).map { $0 + 50 })
        let gamma = Guarded(random.floats(n))
        let beta = Guarded(random.floats(n))
        let mean = x.values.reduce(0.0) { $0 + Double($1) } / Double(n)
        let variance =
          x.values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(n)
        let scale = 1 / (variance + 1e-3).squareRoot()
        let want = (0..<n).map { i -> Expected in
          let normal = (Double(x.pointer[i]) - mean) * scale
          let value = affine ? normal * Double(gamma.pointer[i]) + Double(beta.pointer[i]) : normal
          return Expected(value, error: 50 * Tolerance.sum * (scale < 2 ? 2 : scale))
        }
        isa.kernels.f32_layer_norm(
          n, x.pointer, nil, affine ? UnsafePointer(gamma.pointer) : nil,
          affine ? UnsafePointer(beta.pointer) : nil, 1e-3,
          x.pointer)
        check(x, want, "layer_norm \(n)")
      }
    }
  }

  /// An addend gives, bit for bit, what adding it first gives.
  @Test(arguments: ISA.available) func layerNormOfSum(isa: ISA) {
    var random = Random(seed: 45)
    for n in lengths(isa) {
      let x = Guarded(random.floats(n))
      let addend = Guarded(random.floats(n), against: .start)
      let sum = Guarded(zip(x.values, addend.values).map { $0 + $1 })
      isa.kernels.f32_layer_norm(n, sum.pointer, nil, nil, nil, 1e-3, sum.pointer)
      isa.kernels.f32_layer_norm(n, x.pointer, addend.pointer, nil, nil, 1e-3, addend.pointer)
      #expect(addend.values == sum.values)
    }
  }
}

import CKernels
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A unary kernel, its meaning in float64 and the range its inputs are drawn from.
struct UnaryCase: CustomTestStringConvertible, Sendable {
  let name: String
  let op: sp_unary
  var range: ClosedRange<Float> = -12...12
  var p0: Float = 0
  var p1: Float = 0
  /// Absolute error allowed on top of the relative one.
  var absolute = 0.0
  let oracle: @Sendable (Double) -> Double

  var testDescription: String { name }

  static let all: [UnaryCase] = [
    UnaryCase(name: "relu", op: SP_UNARY_RELU) { $0 < 0 ? 0 : $0 },
    UnaryCase(name: "clip", op: SP_UNARY_CLIP, p0: -1, p1: 6) { $0 < -1 ? -1 : $0 > 6 ? 6 : $0 },
    UnaryCase(name: "sigmoid", op: SP_UNARY_SIGMOID, range: -80...30) { 1 / (1 + exp(-$0)) },
    UnaryCase(name: "tanh", op: SP_UNARY_TANH) { tanh($0) },
    UnaryCase(name: "tanh near 0", op: SP_UNARY_TANH, range: -0.1...0.1) { tanh($0) },
    UnaryCase(name: "exp", op: SP_UNARY_EXP, range: -87...88.7) { exp($0) },
    UnaryCase(name: "exp, subnormal", op: SP_UNARY_EXP, range: -105 ... -86, absolute: 3e-45) {
      exp($0)
    },
    UnaryCase(name: "log", op: SP_UNARY_LOG, range: 0...100) { log($0) },
    UnaryCase(name: "log near 1", op: SP_UNARY_LOG, range: 0.9...1.1) { log($0) },
    UnaryCase(name: "log, subnormal", op: SP_UNARY_LOG, range: 0...1e-38) { log($0) },
    UnaryCase(name: "log, large", op: SP_UNARY_LOG, range: 0...3e38) { log($0) },
    UnaryCase(name: "sqrt", op: SP_UNARY_SQRT) { $0.squareRoot() },
    UnaryCase(name: "reciprocal", op: SP_UNARY_RECIPROCAL) { 1 / $0 },
    UnaryCase(name: "erf", op: SP_UNARY_ERF, range: -5...5, absolute: Tolerance.erf) { erf($0) },
    UnaryCase(name: "gelu", op: SP_UNARY_GELU, absolute: 3 * Tolerance.erf) {
      $0 == -.infinity ? .nan : 0.5 * $0 * (1 + erf($0 / 2.0.squareRoot()))
    },
    UnaryCase(name: "gelu_tanh", op: SP_UNARY_GELU_TANH, absolute: 3 * Tolerance.erf) {
      $0 == -.infinity
        ? .nan
        : 0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0)))
    },
    UnaryCase(name: "hard_sigmoid", op: SP_UNARY_HARD_SIGMOID, p0: 0.2, p1: 0.5, absolute: 1e-7) {
      min(max(Double(Float(0.2)) * $0 + 0.5, 0), 1)
    },
    UnaryCase(name: "hard_swish", op: SP_UNARY_HARD_SWISH, absolute: 3e-7) {
      $0 * min(max($0 / 6 + 0.5, 0), 1)
    },
    UnaryCase(name: "silu", op: SP_UNARY_SILU, range: -80...30) { $0 / (1 + exp(-$0)) },
    UnaryCase(name: "leaky_relu", op: SP_UNARY_LEAKY_RELU, p0: 0.125) { $0 < 0 ? 0.125 * $0 : $0 },
    UnaryCase(name: "elu", op: SP_UNARY_ELU, p0: 0.5) { $0 < 0 ? 0.5 * expm1($0) : $0 },
    UnaryCase(name: "neg", op: SP_UNARY_NEG) { -$0 },
    UnaryCase(name: "abs", op: SP_UNARY_ABS) { abs($0) },
    UnaryCase(name: "floor", op: SP_UNARY_FLOOR) { $0.rounded(.down) },
    UnaryCase(name: "ceil", op: SP_UNARY_CEIL) { $0.rounded(.up) },
    UnaryCase(name: "round", op: SP_UNARY_ROUND) { $0.rounded(.toNearestOrEven) },
    UnaryCase(name: "sign", op: SP_UNARY_SIGN) { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 },
    UnaryCase(name: "softplus", op: SP_UNARY_SOFTPLUS, range: -80...30) {
      $0.isNaN ? $0 : max($0, 0) + log1p(exp(-abs($0)))
    },
    UnaryCase(name: "sin", op: SP_UNARY_SIN, absolute: 1e-7) { sin($0) },
    UnaryCase(name: "sin, large", op: SP_UNARY_SIN, range: -20000...20000, absolute: 1e-7) {
      sin($0)
    },
    UnaryCase(name: "cos", op: SP_UNARY_COS, absolute: 1e-7) { cos($0) },
    UnaryCase(name: "cos, large", op: SP_UNARY_COS, range: -20000...20000, absolute: 1e-7) {
      cos($0)
    },
  ]
}

@Suite struct ElementwiseTests {
  private func expected(_ x: Float, _ c: UnaryCase) -> Expected {
    let value = c.oracle(Double(x))
    return Expected(value, error: Tolerance.function * abs(value) + c.absolute)
  }

  @Test(arguments: ISA.available, UnaryCase.all)
  func values(isa: ISA, c: UnaryCase) {
    var random = Random(seed: 31)
    let x = Guarded((0..<2000).map { _ in Float.random(in: c.range, using: &random) })
    let y = Guarded(x.count, repeating: untouched)
    isa.kernels.f32_unary(c.op, x.count, x.pointer, y.pointer, c.p0, c.p1)
    check(y, x.values.map { expected($0, c) }, c.name)
  }

  @Test(arguments: ISA.available, UnaryCase.all)
  func specialValues(isa: ISA, c: UnaryCase) {
    let special: [Float] = [
      .nan, .infinity, -.infinity, 0, -0.0, 1, -1, 0.5, 1.5, 2.5, -2.5, .leastNonzeroMagnitude,
      .leastNormalMagnitude,
    ]
    // -x * 0 is left to the arithmetic where x is infinite.
    let infiniteTimesZero = [SP_UNARY_SILU, SP_UNARY_HARD_SWISH, SP_UNARY_GELU, SP_UNARY_GELU_TANH]
    for value in special where !(value == -.infinity && infiniteTimesZero.contains { $0 == c.op }) {
      let x = Guarded([value])
      let y = Guarded(1)
      isa.kernels.f32_unary(c.op, 1, x.pointer, y.pointer, c.p0, c.p1)
      var want = expected(value, c)
      want.error += 1e-7 * abs(want.value) + 3e-45
      check(y, [want], "\(c.name)(\(value))")
    }
  }

  /// Every tail, in place.
  @Test(arguments: ISA.available, UnaryCase.all)
  func tailsInPlace(isa: ISA, c: UnaryCase) {
    var random = Random(seed: 32)
    for n in 0...2 * isa.lanes + 1 {
      let x = Guarded(
        (0..<n).map { _ in Float.random(in: c.range, using: &random) },
        against: n % 2 == 0 ? .end : .start)
      let want = x.values.map { expected($0, c) }
      isa.kernels.f32_unary(c.op, n, x.pointer, x.pointer, c.p0, c.p1)
      check(x, want, "\(c.name), n \(n)")
    }
  }

  private static let binaries: [(sp_binary, @Sendable (Double, Double) -> Double)] = [
    (SP_BINARY_ADD, { $0 + $1 }), (SP_BINARY_SUB, { $0 - $1 }), (SP_BINARY_MUL, { $0 * $1 }),
    (SP_BINARY_DIV, { $0 / $1 }),
    (SP_BINARY_MIN, { $0.isNaN || $1.isNaN ? .nan : min($0, $1) }),
    (SP_BINARY_MAX, { $0.isNaN || $1.isNaN ? .nan : max($0, $1) }),
    (SP_BINARY_POW, { pow($0, $1) }),
  ]

  @Test(arguments: ISA.available, 0..<7)
  func binary(isa: ISA, index: Int) {
    let (op, oracle) = Self.binaries[index]
    var random = Random(seed: 33)
    let special: [Float] = [.nan, 0, .infinity, -.infinity, 2, -3, 0.5]
    for n in [1, 2, 7, isa.lanes, isa.lanes + 1, 2 * isa.lanes + 3] {
      for (aStep, bStep) in [(1, 1), (1, 0), (0, 1), (0, 0)] {
        for bFirst in special {
          let a = Guarded(random.floats(aStep == 1 ? n : 1))
          let b = Guarded(random.floats(bStep == 1 ? n : 1))
          b.pointer[0] = bFirst
          a.pointer[a.count / 2] = special[(n + aStep) % special.count]
          let y = Guarded(n)
          var expected: [Expected?] = []
          for i in 0..<n {
            let value = oracle(Double(a.pointer[i * aStep]), Double(b.pointer[i * bStep]))
            expected.append(Expected(value, error: Tolerance.function * abs(value)))
          }
          isa.kernels.f32_binary(op, n, a.pointer, aStep, b.pointer, bStep, y.pointer)
          check(y, expected, "binary \(index), n \(n), steps \(aStep) \(bStep), b \(bFirst)")
          if aStep == 1 {
            isa.kernels.f32_binary(op, n, a.pointer, 1, b.pointer, bStep, a.pointer)
            check(a, expected, "binary \(index) in place")
          }
        }
      }
    }
  }

  /// pow differs from sqrt on negative zero and infinity.
  @Test(arguments: ISA.available) func powerOfOneHalf(isa: ISA) {
    let a = Guarded([-0.0, -.infinity, -1, 4])
    let half = Guarded([0.5])
    let y = Guarded(4)
    isa.kernels.f32_binary(SP_BINARY_POW, 4, a.pointer, 1, half.pointer, 0, y.pointer)
    #expect(y.pointer[0].sign == .plus && y.pointer[0] == 0)
    #expect(y.pointer[1] == .infinity && y.pointer[2].isNaN && y.pointer[3] == 2)
  }

  @Test(arguments: ISA.available) func scaleShift(isa: ISA) {
    var random = Random(seed: 34)
    for n in 0...2 * isa.lanes + 1 {
      let x = Guarded(random.floats(n))
      let want = x.values.map { Expected(Double($0) * 0.75 - 0.5, error: Tolerance.sum) }
      isa.kernels.f32_scale_shift(n, x.pointer, 0.75, -0.5, x.pointer)
      check(x, want, "scale_shift \(n)")
    }
  }

  @Test(arguments: ISA.available) func select(isa: ISA) {
    var random = Random(seed: 39)
    for n in [1, 7, 15, 16, 17, 31, 64, 65, 200] {
      let condition = (0..<n).map { _ in UInt8([0, 1, 255, 0].randomElement(using: &random)!) }
      let x = (0..<n).map { _ in UInt32.random(in: 0...UInt32.max, using: &random) }
      let y = (0..<n).map { _ in UInt32.random(in: 0...UInt32.max, using: &random) }
      for (xStep, yStep) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let want = (0..<n).map { condition[$0] != 0 ? x[$0 * xStep] : y[$0 * yStep] }
        var z = [UInt32](repeating: 1, count: n)
        isa.kernels.u32_select(n, condition, x, xStep, y, yStep, &z)
        #expect(z == want)
        guard xStep == 1 else { continue }
        var own = x
        own.withUnsafeMutableBufferPointer {
          isa.kernels.u32_select(n, condition, $0.baseAddress!, 1, y, yStep, $0.baseAddress!)
        }
        #expect(own == want)
      }
    }
  }
}

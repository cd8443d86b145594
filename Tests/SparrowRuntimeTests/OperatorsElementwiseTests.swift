import Foundation
import SparrowCore
import SparrowRuntime
import Testing

@Suite struct OperatorsElementwiseTests {
  static let functions: [(Unary.Function, @Sendable (Double) -> Double)] = [
    (.abs, { abs($0) }), (.acos, { acos($0) }), (.acosh, { acosh($0) }), (.asin, { asin($0) }),
    (.asinh, { asinh($0) }), (.atan, { atan($0) }), (.atanh, { atanh($0) }),
    (.celu, { max(0, $0) + min(0, exp($0) - 1) }), (.cosh, { cosh($0) }),
    (.mish, { $0 * tanh(log1p(exp($0))) }), (.sinh, { sinh($0) }), (.tan, { tan($0) }),
    (.selu, { 1.0507010221481323 * ($0 < 0 ? 1.6732631921768188 * (exp($0) - 1) : $0) }),
    (.shrink, { $0 < -0.5 ? $0 : $0 > 0.5 ? $0 : 0 }), (.swish, { $0 / (1 + exp(-$0)) }),
    (.thresholdedRelu, { $0 > 1 ? $0 : 0 }), (.ceil, { $0.rounded(.up) }), (.cos, { cos($0) }),
    (.elu, { $0 < 0 ? exp($0) - 1 : $0 }), (.erf, { erf($0) }), (.exp, { exp($0) }),
    (.floor, { $0.rounded(.down) }), (.gelu, { 0.5 * $0 * (1 + erf($0 / 2.0.squareRoot())) }),
    (.hardSigmoid, { max(0, min(1, Double(Float(0.2)) * $0 + 0.5)) }),
    (.hardSwish, { $0 * max(0, min(1, $0 / 6 + 0.5)) }),
    (.leakyRelu, { $0 < 0 ? Double(Float(0.01)) * $0 : $0 }), (.log, { Foundation.log($0) }),
    (.neg, { -$0 }), (.reciprocal, { 1 / $0 }), (.relu, { max($0, 0) }),
    (.round, { $0.rounded(.toNearestOrEven) }), (.sigmoid, { 1 / (1 + exp(-$0)) }),
    (.sign, { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }), (.sin, { sin($0) }),
    (.softplus, { log1p(exp($0)) }), (.softsign, { $0 / (1 + abs($0)) }),
    (.sqrt, { $0.squareRoot() }), (.tanh, { tanh($0) }),
  ]

  @Test(arguments: functions.indices)
  func unaryFunctionsFollowFloat64(_ i: Int) throws {
    let (function, reference) = Self.functions[i]
    var values = random([3, 333], scale: 5).array(of: Float.self)
    values[0] = 0
    values[1] = 2.5
    let x = Tensor(values, shape: [3, 333])
    let expected = values.map { reference(Double($0)) }
    #expect(isClose(try run(.unary(Unary(function)), [x])[0], expected))
    let wide = Tensor(values.map { Double($0) }, shape: [3, 333])
    #expect(isClose(try run(.unary(Unary(function)), [wide])[0], expected, tolerance: 1e-12))
  }

  @Test func unaryFunctionsOfIntegersAndBools() throws {
    let x = Tensor([-128, -3, 0, 5] as [Int8])
    #expect(try run(.unary(Unary(.abs)), [x])[0] == Tensor([-128, 3, 0, 5] as [Int8]))
    #expect(try run(.unary(Unary(.neg)), [x])[0] == Tensor([-128, 3, 0, -5] as [Int8]))
    #expect(try run(.unary(Unary(.sign)), [x])[0] == Tensor([-1, -1, 0, 1] as [Int8]))
    #expect(try run(.unary(Unary(.relu)), [x])[0] == Tensor([0, 0, 0, 5] as [Int8]))
    #expect(try run(.unary(Unary(.not)), [Tensor([true, false])])[0] == Tensor([false, true]))
    let n = Tensor([Float.nan, 1, -.infinity])
    #expect(try run(.unary(Unary(.isNaN)), [n])[0] == Tensor([true, false, false]))
    #expect(throws: RuntimeError.self) { try run(.unary(Unary(.exp)), [x]) }
  }

  static let shapes: [([Int], [Int])] = [
    ([5], [5]), ([], []), ([2, 3, 4, 5], []), ([], [7]), ([2, 3, 4, 5], [3, 1, 1]),
    ([2, 3, 4, 5], [5]), ([5], [2, 3, 5]), ([2, 1, 4, 1], [1, 3, 1, 5]), ([3, 1], [1, 4]),
    ([2, 3, 1], [2, 3, 4]), ([1, 1, 5000], [2, 1, 5000]), ([40, 700], [40, 1]), ([0, 3], [1, 3]),
    ([1, 64, 30, 30], [1, 64, 30, 30]), ([1, 64, 30, 30], [1, 64, 1, 1]),
  ]

  @Test(arguments: shapes.indices)
  func binaryFunctionsBroadcast(_ i: Int) throws {
    let (a, b) = (random(Self.shapes[i].0, seed: 1), random(Self.shapes[i].1, seed: 2))
    let functions: [(Binary.Function, (Double, Double) -> Double)] = [
      (.add, { $0 + $1 }), (.sub, { $0 - $1 }), (.mul, { $0 * $1 }), (.div, { $0 / $1 }),
      (.min, { min($0, $1) }), (.max, { max($0, $1) }), (.prelu, { $0 < 0 ? $0 * $1 : $0 }),
      (.greater, { $0 > $1 ? 1 : 0 }), (.lessOrEqual, { $0 <= $1 ? 1 : 0 }),
    ]
    let (x, y) = (a.array(of: Float.self), b.array(of: Float.self))
    for (function, reference) in functions {
      let result = try run(.binary(Binary(function)), [a, b])[0]
      let expected = (0..<result.count).map { i in
        reference(
          Double(x[broadcastPosition(i, target: result.shape, shape: a.shape)]),
          Double(y[broadcastPosition(i, target: result.shape, shape: b.shape)]))
      }
      if function.compares {
        #expect(result.integers == expected.map { Int($0) })
      } else {
        #expect(isClose(result, expected))
      }
    }
  }

  @Test func fusedActivationsFollowTheSum() throws {
    let (a, b) = (random([4, 600], seed: 3), random([600], seed: 4))
    let sum = try run(.binary(Binary(.add)), [a, b])[0]
    let activations: [(Activation, Unary.Function)] = [
      (.relu, .relu), (.sigmoid, .sigmoid), (.tanh, .tanh), (.gelu, .gelu),
      (.hardSwish, .hardSwish),
    ]
    for (activation, function) in activations {
      let fused = try run(.binary(Binary(.add, activation: activation)), [a, b])[0]
      #expect(fused == (try run(.unary(Unary(function)), [sum])[0]), "\(function)")
    }
    let clip = Activation.clip(low: -1, high: 2)
    let whole = try run(
      .binary(Binary(.mul, activation: clip)), [integers([-3, 1, 4]), integers([2, 2, 2])])[0]
    #expect(whole == integers([-1, 2, 2]))
  }

  @Test func integersWrapAroundAndDivideTowardsZero() throws {
    let (a, b) = (Tensor([Int32.max, -7, 7, Int32.min]), Tensor([1, 2, -2, -1] as [Int32]))
    #expect(
      try run(.binary(Binary(.add)), [a, b])[0] == Tensor([Int32.min, -5, 5, Int32.max]))
    #expect(
      try run(.binary(Binary(.div)), [a, b])[0] == Tensor([Int32.max, -3, -3, Int32.min]))
    #expect(try run(.binary(Binary(.max)), [a, b])[0] == Tensor([Int32.max, 2, 7, -1]))
    #expect(throws: RuntimeError.self) {
      try run(.binary(Binary(.div)), [a, Tensor([1, 0, 1, 1] as [Int32])])
    }
  }

  @Test func powersOfEveryTypePair() throws {
    let base = Tensor([2, -3, 0.5] as [Float])
    #expect(
      try run(.binary(Binary(.pow)), [base, Tensor(scalar: Float(2))])[0]
        == Tensor([4, 9, 0.25] as [Float]))
    #expect(
      try run(.binary(Binary(.pow)), [base, Tensor(scalar: Int64(3))])[0]
        == Tensor([8, -27, 0.125] as [Float]))
    let whole = Tensor([2, -3, 1, -1, 0] as [Int64])
    #expect(
      try run(.binary(Binary(.pow)), [whole, Tensor([62, 3, -5, -3, 0] as [Int64])])[0]
        == Tensor([1 << 62, -27, 1, -1, 1] as [Int64]))
    #expect(
      try run(.binary(Binary(.pow)), [whole, Tensor(scalar: Float(2))])[0]
        == Tensor([4, 9, 1, 1, 0] as [Int64]))
  }

  @Test func logicAndEqualityOfBools() throws {
    let (a, b) = (Tensor([true, true, false, false]), Tensor([true, false, true, false]))
    #expect(try run(.binary(Binary(.and)), [a, b])[0] == Tensor([true, false, false, false]))
    #expect(try run(.binary(Binary(.or)), [a, b])[0] == Tensor([true, true, true, false]))
    #expect(try run(.binary(Binary(.xor)), [a, b])[0] == Tensor([false, true, true, false]))
    #expect(try run(.binary(Binary(.equal)), [a, b])[0] == Tensor([true, false, false, true]))
    #expect(throws: RuntimeError.self) { try run(.binary(Binary(.add)), [a, b]) }
  }

  @Test func clipTakesEitherBound() throws {
    let x = Tensor([-2, 0, 3, .nan] as [Float])
    let (low, high) = (Tensor(scalar: Float(-1)), Tensor(scalar: Float(1)))
    #expect(isClose(try run(.clip(Clip()), [x, low, high])[0], [-1, 0, 1, .nan]))
    #expect(isClose(try run(.clip(Clip()), [x, nil, high])[0], [-2, 0, 1, .nan]))
    #expect(isClose(try run(.clip(Clip()), [x, low])[0], [-1, 0, 3, .nan]))
    let whole = Tensor([-5, 5] as [Int8])
    #expect(
      try run(.clip(Clip()), [whole, Tensor(scalar: Int8(0))])[0] == Tensor([0, 5] as [Int8]))
  }

  @Test func whereBroadcastsThreeOperands() throws {
    let condition = Tensor([true, false, true], shape: [3, 1])
    let result = try run(
      .where(Where()), [condition, counting([1, 2]), Tensor(scalar: Float(-1))])[0]
    #expect(result == Tensor([0, 1, -1, -1, 0, 1] as [Float], shape: [3, 2]))
  }

  @Test func castsSaturateTruncateAndWrap() throws {
    let x = Tensor([-1.9, 2.9, 1e20, -1e20, .nan, 300] as [Float])
    #expect(
      try run(.cast(Cast(to: .int32)), [x])[0]
        == Tensor([-1, 2, Int32.max, Int32.min, 0, 300]))
    #expect(try run(.cast(Cast(to: .uint8)), [x])[0] == Tensor([0, 2, 255, 0, 0, 255] as [UInt8]))
    #expect(
      try run(.cast(Cast(to: .bool)), [x])[0]
        == Tensor([true, true, true, true, true, true]))
    let whole = Tensor([-1, 255, 256, 1 << 40] as [Int64])
    #expect(try run(.cast(Cast(to: .uint8)), [whole])[0] == Tensor([255, 255, 0, 0] as [UInt8]))
    #expect(isClose(try run(.cast(Cast(to: .float32)), [whole])[0], [-1, 255, 256, 0x1p40]))
    #expect(try run(.cast(Cast(to: .int64)), [Tensor([true, false])])[0] == integers([1, 0]))
    let big = Tensor([UInt64.max])
    #expect(isClose(try run(.cast(Cast(to: .float64)), [big])[0], [0x1p64]))
  }

  // float8e8m0 has no zero.
  @Test(arguments: DType.allCases.filter { $0 != .float8e8m0 })
  func castsRoundTripSmallValues(_ dtype: DType) throws {
    let x = Tensor((0..<700).map { Float($0 % 2) }, shape: [700])
    let there = try run(.cast(Cast(to: dtype)), [x])[0]
    #expect(there.dtype == dtype)
    #expect(try run(.cast(Cast(to: .float32)), [there])[0] == x)
  }
}

import Foundation
import SparrowCore
import SparrowRuntime
import Testing

/// Softmax, normalizations and reductions.
@Suite struct OperatorsRowsTests {
  /// The elements of `x` seen as `[outer, length, inner]` around an axis, one array a slice.
  private func slices(_ x: Tensor, _ axis: Int) -> (all: [[Double]], positions: [[Int]]) {
    let values = (x.floats ?? []).map { Double($0) }
    let (length, inner) = (x.shape[axis], x.shape[(axis + 1)...].reduce(1, *))
    let positions = (0..<x.shape[..<axis].reduce(1, *) * inner).map { slice in
      (0..<length).map { (slice / inner * length + $0) * inner + slice % inner }
    }
    return (positions.map { $0.map { values[$0] } }, positions)
  }

  @Test(arguments: [
    ([3, 40], 1), ([3, 40], 0), ([2, 3, 5, 7], -3), ([7], 0), ([40, 90, 11], 1), ([2, 3, 0], 1),
    ([2, 0], 1),
  ])
  func softmaxSumsToOneAlongAnyAxis(_ shape: [Int], _ axis: Int) throws {
    let x = random(shape, seed: 5, scale: 30)
    let (all, positions) = slices(x, axis < 0 ? axis + shape.count : axis)
    var expected = [Double](repeating: 0, count: x.count)
    var logarithms = expected
    for (slice, places) in zip(all, positions) {
      let largest = slice.max() ?? 0
      let sum = slice.reduce(0) { $0 + exp($1 - largest) }
      for (value, place) in zip(slice, places) {
        expected[place] = exp(value - largest) / sum
        logarithms[place] = value - largest - Foundation.log(sum)
      }
    }
    #expect(isClose(try run(.softmax(Softmax(axis: axis)), [x])[0], expected))
    let log = try run(.softmax(Softmax(axis: axis, isLog: true)), [x])[0]
    #expect(isClose(log, logarithms))
    let wide = try run(.cast(Cast(to: .float64)), [x])[0]
    #expect(isClose(try run(.softmax(Softmax(axis: axis)), [wide])[0], expected))
  }

  @Test(arguments: [([4, 33], -1), ([2, 3, 8, 5], 2), ([2, 3, 8, 5], 1), ([200, 768], 1)])
  func layerNormalizationCentersAndScales(_ shape: [Int], _ axis: Int) throws {
    let x = random(shape, seed: 6, scale: 3)
    let parameters = Array(shape[(axis < 0 ? axis + shape.count : axis)...])
    let (scale, bias) = (random(parameters, seed: 7), random(parameters, seed: 8))
    let length = parameters.elementCount
    let (v, s, b) = (x.floats ?? [], scale.floats ?? [], bias.floats ?? [])
    var (expected, unbiased): ([Double], [Double]) = ([], [])
    for row in 0..<x.count / length {
      let values = v[row * length..<(row + 1) * length].map { Double($0) }
      let mean = values.reduce(0, +) / Double(length)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(length)
      for i in 0..<length {
        let normal = (values[i] - mean) / (variance + 1e-5).squareRoot() * Double(s[i])
        expected.append(normal + Double(b[i]))
        unbiased.append(normal)
      }
    }
    let op = Op.layerNormalization(LayerNormalization(axis: axis))
    #expect(isClose(try run(op, [x, scale, bias])[0], expected, tolerance: 1e-5))
    #expect(isClose(try run(op, [x, scale])[0], unbiased, tolerance: 1e-5))
  }

  @Test(arguments: [[2, 3, 4, 5], [4, 3], [1, 40, 30, 30]])
  func batchNormalizationIsAffineInEachChannel(_ shape: [Int]) throws {
    let x = random(shape, seed: 9)
    let parameters = (0..<4).map { random([shape[1]], seed: 10 + $0) }
    let variance = try run(.unary(Unary(.exp)), [parameters[3]])[0]
    let p = parameters.map { ($0.floats ?? []).map { Double($0) } }
    let deviations = (variance.floats ?? []).map { (Double($0) + 1e-5).squareRoot() }
    let plane = shape.dropFirst(2).reduce(1, *)
    let expected = (x.floats ?? []).enumerated().map { i, value in
      let c = i / plane % shape[1]
      return (Double(value) - p[2][c]) / deviations[c] * p[0][c] + p[1][c]
    }
    let op = Op.batchNormalization(BatchNormalization())
    #expect(isClose(try run(op, [x] + parameters[..<3] + [variance])[0], expected))
  }

  @Test func normalizationsRefuseParametersThatDoNotFit() throws {
    let x = random([2, 3, 4], seed: 13)
    let wide = Tensor([1, 1, 1, 1] as [Double])
    let op = Op.layerNormalization(LayerNormalization())
    #expect(throws: RuntimeError.self) { try run(op, [x, wide]) }
    #expect(throws: RuntimeError.self) { try run(op, [x, random([3])]) }
    let flat = [random([4])] + (0..<4).map { _ in counting([0]) }
    #expect(throws: RuntimeError.self) {
      try run(.batchNormalization(BatchNormalization()), flat)
    }
  }

  static let reductions: [([Int], [Int])] = [
    ([3, 4], [1]), ([3, 4], [0]), ([2, 3, 4, 5], [2, 3]), ([2, 3, 4, 5], [0, 2]),
    ([2, 3, 4, 5], [1, 3]), ([2, 3, 4, 5], [1]), ([2, 3, 4, 5], [0, 1, 2, 3]), ([2, 3, 4, 5], []),
    ([1, 64, 40, 40], [-2, -1]), ([7], [0]), ([3, 1, 2500], [0]), ([], []), ([2, 0, 3], [1]),
  ]

  @Test(arguments: reductions.indices, Reduce.Kind.allCases)
  func reductionsOverAnyAxes(_ i: Int, _ kind: Reduce.Kind) throws {
    let (shape, axes) = Self.reductions[i]
    let x = random(shape, seed: 11)
    for keeps in [true, false] {
      let op = Op.reduce(Reduce(kind, keepsDimensions: keeps))
      let given: Tensor? = axes.isEmpty ? nil : integers(axes)
      let y = try run(op, [x, given], constant: [1])[0]
      // Signs cancel in sums, whose error follows the sum of magnitudes.
      let tolerance = floatTolerance * 10
      #expect(isClose(y, reduced(x, axes, kind), tolerance: tolerance), "\(shape) \(axes)")
      let wide = try run(.cast(Cast(to: .float64)), [x])[0]
      #expect(isClose(try run(op, [wide, given], constant: [1])[0], reduced(x, axes, kind)))
    }
  }

  private func reduced(_ x: Tensor, _ axes: [Int], _ kind: Reduce.Kind) -> [Double] {
    let set = Set(axes.isEmpty ? Array(x.shape.indices) : axes.map { ($0 + x.rank) % x.rank })
    let kept = x.shape.indices.map { set.contains($0) ? 1 : x.shape[$0] }
    var parts = [[Double]](repeating: [], count: kept.elementCount)
    for (i, value) in (x.floats ?? []).enumerated() {
      parts[broadcastPosition(i, target: x.shape, shape: kept)].append(Double(value))
    }
    return parts.map { part in
      switch kind {
      case .sum: part.reduce(0, +)
      case .mean: part.reduce(0, +) / Double(part.count)
      case .max: part.reduce(-.infinity) { max($0, $1) }
      case .min: part.reduce(.infinity) { min($0, $1) }
      case .product: part.reduce(1, *)
      case .l1: part.reduce(0) { $0 + abs($1) }
      case .l2: part.reduce(0) { $0 + $1 * $1 }.squareRoot()
      case .sumSquare: part.reduce(0) { $0 + $1 * $1 }
      case .logSum: Foundation.log(part.reduce(0, +))
      case .logSumExp: Foundation.log(part.reduce(0) { $0 + exp($1) })
      }
    }
  }

  @Test func reductionsOfIntegersAndOfNothing() throws {
    let x = Tensor([3, -1, 7, 8, 2, 4] as [Int32], shape: [2, 3])
    let rows = integers([1])
    #expect(
      try run(.reduce(Reduce(.sum)), [x, rows], constant: [1])[0]
        == Tensor([9, 14] as [Int32], shape: [2, 1]))
    #expect(
      try run(.reduce(Reduce(.mean)), [x, rows], constant: [1])[0]
        == Tensor([3, 4] as [Int32], shape: [2, 1]))
    #expect(
      try run(.reduce(Reduce(.max, keepsDimensions: false)), [x, integers([0])], constant: [1])[0]
        == Tensor([8, 2, 7] as [Int32]))
    let flags = Tensor([true, false, true, true], shape: [2, 2])
    #expect(
      try run(.reduce(Reduce(.min, keepsDimensions: false)), [flags, rows], constant: [1])[0]
        == Tensor([false, true]))
    var none = Reduce(.sum)
    none.noopWithEmptyAxes = true
    #expect(try run(.reduce(none), [x])[0] == x)
  }

  @Test func argumentsOfExtremes() throws {
    let x = Tensor([1, 9, 9, 0, 5, 0] as [Float], shape: [2, 3])
    var op = ArgExtreme(isMax: true)
    #expect(try run(.argExtreme(op), [x])[0] == Tensor([0, 0, 0] as [Int64], shape: [1, 3]))
    op.axis = -1
    op.keepsDimensions = false
    #expect(try run(.argExtreme(op), [x])[0] == integers([1, 1]))
    op.selectsLast = true
    #expect(try run(.argExtreme(op), [x])[0] == integers([2, 1]))
    op.isMax = false
    #expect(try run(.argExtreme(op), [x])[0] == integers([0, 2]))
  }

  @Test func globalPoolsReduceEverySpatialAxis() throws {
    let x = random([2, 3, 5, 7], seed: 12)
    let mean = try run(.reduce(Reduce(.mean)), [x, integers([2, 3])], constant: [1])[0]
    let largest = try run(.reduce(Reduce(.max)), [x, integers([2, 3])], constant: [1])[0]
    #expect(try run(.globalPool(GlobalPool(.average)), [x])[0] == mean)
    #expect(try run(.globalPool(GlobalPool(.max)), [x])[0] == largest)
  }
}

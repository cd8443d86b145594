import SparrowCore
import Testing

@Suite struct ReductionTests {
  @Test(
    arguments: [
      (.sum, 6), (.mean, 2), (.max, 3), (.min, 1), (.product, 6), (.l1, 6), (.sumSquare, 14),
    ] as [(Reduce.Kind, Int64)])
  func integersAreExact(_ kind: Reduce.Kind, _ expected: Int64) throws {
    let x = Tensor([1, 2, 3] as [Int64])
    let op = Reduce(kind, keepsDimensions: false)
    #expect(try compute(.reduce(op), x) == [Tensor(scalar: expected)])
  }

  static let nothing: [(Reduce.Kind, Double)] = [
    (.sum, 0), (.product, 1), (.max, -.infinity), (.min, .infinity), (.l1, 0), (.l2, 0),
    (.sumSquare, 0), (.logSum, -.infinity), (.logSumExp, -.infinity),
  ]

  @Test(arguments: nothing)
  func nothingReducesToTheNeutralElement(_ kind: Reduce.Kind, _ expected: Double) throws {
    let empty = Tensor([Double](), shape: [2, 0])
    let y = try compute(.reduce(Reduce(kind)), empty, Tensor([Int64(1)]))
    #expect(y == [Tensor([expected, expected], shape: [2, 1])])
  }

  @Test func extremesOfNoIntegersAreTheirTypes() throws {
    let axes = Tensor([Int64(0)])
    let flat = Reduce(.max, keepsDimensions: false)
    #expect(
      try compute(.reduce(flat), Tensor([Int8](), shape: [0]), axes) == [Tensor(scalar: Int8.min)])
    #expect(
      try compute(
        .reduce(Reduce(.min, keepsDimensions: false)), Tensor([UInt64](), shape: [0]), axes)
        == [Tensor(scalar: UInt64.max)])
    #expect(
      try compute(.reduce(flat), Tensor([Bool](), shape: [0]), axes) == [Tensor(scalar: false)])
  }

  @Test func withoutAxesEachElementMayStandAlone() throws {
    var op = Reduce(.sumSquare)
    op.noopWithEmptyAxes = true
    #expect(try compute(.reduce(op), Tensor([Float(-3), 2])) == [Tensor([Float(9), 4])])
    op = Reduce(.logSumExp)
    op.noopWithEmptyAxes = true
    #expect(try compute(.reduce(op), Tensor([800, -2])) == [Tensor([800, -2] as [Double])])
    #expect(throws: ComputeError.self) {
      try compute(.reduce(op), Tensor([Float(1)]), Tensor([Int64(1)]))
    }
  }

  @Test func largeNumbersDoNotOverflowTheLogarithmOfASum() throws {
    let y = try compute(
      .reduce(Reduce(.logSumExp, keepsDimensions: false)), Tensor([1000, 1000] as [Double]))
    #expect(abs(y[0].doubles[0] - 1000.6931471805599) < 1e-9)
    let infinite = Tensor([-Double.infinity, -.infinity])
    #expect(
      try compute(.reduce(Reduce(.logSumExp, keepsDimensions: false)), infinite)[0].doubles
        == [-.infinity])
  }

  @Test func extremesTellTheirPlaces() throws {
    let x = Tensor([2, 7, 7, 1] as [UInt64], shape: [2, 2])
    var op = ArgExtreme(isMax: true)
    #expect(try compute(.argExtreme(op), x) == [Tensor([Int64(1), 0], shape: [1, 2])])
    (op.axis, op.keepsDimensions) = (-1, false)
    #expect(try compute(.argExtreme(op), x) == [Tensor([Int64(1), 0])])
    let ties = Tensor([Float(3), 3, 1])
    op.axis = 0
    #expect(try compute(.argExtreme(op), ties) == [Tensor(scalar: Int64(0))])
    op.selectsLast = true
    #expect(try compute(.argExtreme(op), ties) == [Tensor(scalar: Int64(1))])
    #expect(throws: ComputeError.self) { try compute(.argExtreme(op), Tensor([Float]())) }
  }

  @Test(
    arguments: [
      (false, false, [1, 3, 6, 4, 9, 15]), (true, false, [0, 1, 3, 0, 4, 9]),
      (false, true, [6, 5, 3, 15, 11, 6]), (true, true, [5, 3, 0, 11, 6, 0]),
    ] as [(Bool, Bool, [Float])])
  func sumsRunAlongAnAxis(_ exclusive: Bool, _ reverse: Bool, _ expected: [Float]) throws {
    let x = Tensor((1...6).map { Float($0) }, shape: [2, 3])
    var op = Cumulative(.sum)
    (op.isExclusive, op.isReverse) = (exclusive, reverse)
    #expect(
      try compute(.cumulative(op), x, Tensor(scalar: Int32(-1))) == [
        Tensor(expected, shape: [2, 3])
      ])
  }

  @Test func productsRunAlongAnAxis() throws {
    let x = Tensor([1, 2, 3, 4] as [Int32], shape: [2, 2])
    #expect(
      try compute(.cumulative(Cumulative(.product)), x, Tensor(scalar: Int64(0)))
        == [Tensor([1, 2, 3, 8] as [Int32], shape: [2, 2])])
    #expect(throws: ComputeError.self) {
      try compute(.cumulative(Cumulative(.product)), x, Tensor(scalar: Int64(2)))
    }
  }
}

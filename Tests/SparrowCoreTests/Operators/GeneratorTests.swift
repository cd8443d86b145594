import SparrowCore
import Testing

@Suite struct GeneratorTests {
  @Test func rangesCountUpAndDown() throws {
    func range<T: Element>(_ start: T, _ limit: T, _ delta: T) throws -> Tensor {
      try compute(
        .range(RangeOf()), Tensor(scalar: start), Tensor(scalar: limit), Tensor(scalar: delta))[0]
    }
    #expect(try range(Int32(10), 4, -2) == Tensor([10, 8, 6] as [Int32]))
    #expect(try range(Int64(1), 1, 1) == Tensor([Int64]()))
    #expect(try range(Float(1), 2.2, 0.5) == Tensor([1, 1.5, 2] as [Float]))
    #expect(try range(0.0, 0.3, 0.1).count == 3)
    #expect(throws: ComputeError.self) { try range(Float(0), .infinity, 1) }
    #expect(throws: ComputeError.self) { try range(Float(0), 1e30, 1) }
  }

  @Test(
    arguments: [
      (0, [1, 0, 0, 0, 1, 0]), (1, [0, 1, 0, 0, 0, 1]), (-1, [0, 0, 0, 1, 0, 0]),
      (Int.max, [0, 0, 0, 0, 0, 0]), (Int.min, [0, 0, 0, 0, 0, 0]),
    ] as [(Int, [Int16])])
  func onesOnADiagonal(_ k: Int, _ expected: [Int16]) throws {
    var op = EyeLike()
    op.diagonal = k
    let x = Tensor([Int16](repeating: 7, count: 6), shape: [2, 3])
    #expect(try compute(.eyeLike(op), x) == [Tensor(expected, shape: [2, 3])])
  }

  @Test func sizesCountElements() throws {
    #expect(
      try compute(.sizeOf(SizeOf()), Tensor([Float](), shape: [3, 0])) == [Tensor(scalar: Int64(0))]
    )
  }

  @Test func randomNumbersFollowFromTheirSeed() throws {
    var op = RandomNumbers(.uniform)
    (op.shape, op.location, op.scale, op.seed) = ([1000], -2, 2, 5)
    let first = try compute(.randomNumbers(op))[0]
    #expect(try compute(.randomNumbers(op))[0] == first)
    #expect(first.doubles.allSatisfy { $0 >= -2 && $0 <= 2 })
    #expect(abs(first.doubles.reduce(0, +) / 1000) < 0.15)
    op.seed = 6
    #expect(try compute(.randomNumbers(op))[0] != first)
    var normal = RandomNumbers(.normal, isLikeInput: true)
    (normal.location, normal.scale) = (3, 0.5)
    let values = try compute(.randomNumbers(normal), Tensor([Double](repeating: 0, count: 4000)))[0]
      .doubles
    let mean = values.reduce(0, +) / 4000
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4000
    #expect(abs(mean - 3) < 0.05 && abs(variance - 0.25) < 0.03)
  }

  @Test func drawsFollowProbabilities() throws {
    let certain = Tensor([0, 1, 1, 0] as [Float])
    #expect(try compute(.bernoulli(Bernoulli()), certain) == [certain])
    var op = Multinomial()
    (op.samples, op.dtype) = (200, .int64)
    let logs = Tensor([-100, 0, -100, 0, -100, 0] as [Float], shape: [2, 3])
    let drawn = try compute(.multinomial(op), logs)[0]
    #expect(drawn.shape == [2, 200])
    let outcomes = drawn.integers ?? []
    #expect(outcomes[..<200].allSatisfy { $0 == 1 })
    #expect(Set(outcomes[200...]) == [0, 2])
    #expect(throws: ComputeError.self) {
      try compute(.multinomial(op), Tensor([Float](), shape: [2, 0]))
    }
  }
}

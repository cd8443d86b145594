import SparrowCore
import Testing

@Suite struct AttentionTests {
  /// Two keys whose scores for queries 1 and 3 are 0 and log 3 times the query.
  private static let keys = Tensor([0.0, Math.log(3)], shape: [1, 1, 2, 1])
  private static let values = Tensor([4.0, 8], shape: [1, 1, 2, 1])
  private static let queries = Tensor([1.0, 2], shape: [1, 1, 2, 1])

  private func attend(
    _ change: (inout Attention) -> Void = { _ in }, mask: Tensor? = nil, lengths: Tensor? = nil,
    stage: Int? = nil
  ) throws -> [Double] {
    var op = Attention()
    change(&op)
    op.scores = stage ?? 0
    let inputs = [Self.queries, Self.keys, Self.values, mask, nil, nil, lengths]
    let made = try op.compute(Operands(inputs, outputCount: stage == nil ? 1 : 4))
    return made[stage == nil ? 0 : 3].doubles
  }

  private func isClose(_ a: [Double], _ b: [Double]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0 == $1 || abs($0 - $1) < 1e-12 }
  }

  @Test func weightsFollowTheScores() throws {
    // 1 : 3 and 1 : 9
    #expect(isClose(try attend(), [7, 7.6]))
    #expect(isClose(try attend { $0.scale = 0 }, [6, 6]))
    #expect(isClose(try attend { $0.isCausal = true }, [4, 7.6]))
    #expect(isClose(try attend { $0.leftWindow = 0 }, [7, 8]))
    #expect(isClose(try attend({ $0.rightWindow = 0 }), [4, 7.6]))
  }

  @Test func maskedRowsAreZero() throws {
    let mask = Tensor([false, false, true, false], shape: [2, 2])
    #expect(isClose(try attend(mask: mask), [0, 4]))
    #expect(isClose(try attend(mask: mask, stage: 3), [0, 0, 1, 0]))
    let bias = Tensor([-Math.log(3)], shape: [1])
    // A mask of one key masks the other.
    #expect(isClose(try attend(mask: bias), [4, 4]))
    #expect(isClose(try attend(lengths: Tensor([Int64(1)])), [4, 4]))
    #expect(isClose(try attend(lengths: Tensor([Int64.min])), [0, 0]))
    // One valid key and two queries: the first comes before every key.
    #expect(isClose(try attend({ $0.isCausal = true }, lengths: Tensor([Int64(1)])), [0, 4]))
  }

  @Test func scoresComeFromEachStage() throws {
    let three = Math.log(3)
    let mask = Tensor([0.5, -.infinity], shape: [1, 2])
    let cap: (inout Attention) -> Void = { $0.softcap = 2 }
    #expect(isClose(try attend(cap, mask: mask, stage: 0), [0, three, 0, 2 * three]))
    let capped = [0, 2 * Math.tanh(three / 2), 0, 2 * Math.tanh(three)]
    #expect(isClose(try attend(cap, mask: mask, stage: 1), capped))
    #expect(isClose(try attend(cap, mask: mask, stage: 2), [0.5, -.infinity, 0.5, -.infinity]))
  }

  @Test func masksThatDoNotFitAreRefused() {
    #expect(throws: ComputeError.self) {
      try attend(mask: Tensor([Bool](repeating: true, count: 6), shape: [3, 2]))
    }
    #expect(throws: ComputeError.self) {
      try attend(mask: Tensor([Bool](repeating: true, count: 3), shape: [3]))
    }
  }

  @Test func rotationTurnsPairs() throws {
    var op = RotaryEmbedding()
    let x = Tensor([1.0, 2, 3, 4, 5], shape: [1, 1, 1, 5])
    op.rotated = 4
    // A quarter turn of the first pair, half a turn of the second; row 1 of the tables.
    let cosines = Tensor([9.0, 9, 0, -1], shape: [2, 2])
    let sines = Tensor([9.0, 9, 1, 0], shape: [2, 2])
    let position = Tensor([Int64(1)], shape: [1, 1])
    let halves = try op.compute(Operands([x, cosines, sines, position]))
    #expect(halves == [Tensor([-3.0, -2, 1, -4, 5], shape: [1, 1, 1, 5])])
    op.isInterleaved = true
    let neighbours = try op.compute(Operands([x, cosines, sines, position]))
    #expect(neighbours == [Tensor([-2.0, 1, -3, -4, 5], shape: [1, 1, 1, 5])])
    for bad in [Int64(2), -1] {
      #expect(throws: ComputeError.self) {
        try op.compute(Operands([x, cosines, sines, Tensor([bad], shape: [1, 1])]))
      }
    }
  }

  @Test func linearAttentionUpdatesItsState() throws {
    var op = LinearAttention()
    (op.rule, op.scale) = (.gatedDelta, 1)
    func column(_ values: [Double]) -> Tensor { Tensor(values, shape: [1, values.count, 1]) }
    // State 2: decays to 1, loses half of what it has of the value, 1 - 1 / 2 * (1 - 4) = 2.5, ...
    let made = try op.compute(
      Operands(
        [
          column([1, 10]), column([1, 1]), column([4, 0]), Tensor([2.0], shape: [1, 1, 1, 1]),
          column([Math.log(0.5), 0]), column([0.5, 1]),
        ], outputCount: 2))
    #expect(made == [column([2.5, 0]), Tensor([0.0], shape: [1, 1, 1, 1])])
  }

  @Test func causalConvolutionsKeepTheLastPositions() throws {
    let x = Tensor([1.0, 2, 3], shape: [1, 1, 3])
    let weight = Tensor([100.0, 10, 1], shape: [1, 1, 3])
    let bias = Tensor([0.5])
    let past = Tensor([7.0, 8], shape: [1, 1, 2])
    let made = try CausalConvWithState().compute(
      Operands([x, weight, bias, past], outputCount: 2))
    #expect(
      made == [
        Tensor([781.5, 812.5, 123.5], shape: [1, 1, 3]), Tensor([2.0, 3], shape: [1, 1, 2]),
      ])
    let short = try CausalConvWithState().compute(
      Operands([Tensor([1.0], shape: [1, 1, 1]), weight], outputCount: 2))
    #expect(short == [Tensor([1.0], shape: [1, 1, 1]), Tensor([0.0, 1], shape: [1, 1, 2])])
  }
}

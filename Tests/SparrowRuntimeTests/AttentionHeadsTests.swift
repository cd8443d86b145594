import SparrowCore
import SparrowRuntime
import Testing

@Suite struct AttentionHeadsTests {
  private static let tolerance = 1e-5

  private func check(
    _ op: Attention, _ inputs: [Tensor?], outputs: Int = 1,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let made = try run(.attention(op), inputs, outputs: outputs, sourceLocation: sourceLocation)
    let wanted = try op.compute(Operands(inputs, outputCount: outputs))
    for (a, b) in zip(made, wanted) {
      #expect(a.shape == b.shape)
      #expect(isClose(a, b.doubles, tolerance: Self.tolerance), sourceLocation: sourceLocation)
    }
  }

  private func mask(_ shape: [Int], seed: Int) -> Tensor {
    let values = random(shape, seed: seed).floats ?? []
    return Tensor(values.map { $0 > 0.5 ? -.infinity : $0 }, shape: shape)
  }

  @Test(arguments: [(1, 1, 1), (3, 5, 4), (2, 70, 9), (17, 33, 16)])
  func headsFollowTheReference(queries: Int, keys: Int, size: Int) throws {
    let (q, k) = (random([2, 4, queries, size]), random([2, 2, keys, size], seed: 2))
    let v = random([2, 2, keys, size + 3], seed: 3)
    for isCausal in [false, true] {
      var op = Attention()
      op.isCausal = isCausal
      try check(op, [q, k, v])
      try check(op, [q, k, v], outputs: 3)
      op.softcap = 0.5
      op.scale = 0.7
      try check(op, [q, k, v, mask([keys], seed: 5)])
      try check(op, [q, k, v, mask([2, 1, queries, max(keys - 1, 1)], seed: 6)])
      try check(op, [q, k, v, mask([4, queries, keys], seed: 7)], outputs: 2)
      let allowed = Tensor((0..<(queries * keys)).map { $0 % 3 != 0 }, shape: [queries, keys])
      try check(op, [q, k, v, allowed])
      let lengths = Tensor([Int64(keys), Int64(keys / 2)])
      try check(op, [q, k, v, nil, nil, nil, lengths])
      (op.leftWindow, op.rightWindow) = (2, 1)
      try check(op, [q, k, v])
      let past = [random([2, 2, 6, size], seed: 8), random([2, 2, 6, size + 3], seed: 9)]
      try check(op, [q, k, v, nil] + past, outputs: 3)
      try check(op, [q, k, v, mask([queries, keys + 6], seed: 10)] + past)
    }
  }

  @Test func flatOperandsAreHeadsInRows() throws {
    var op = Attention()
    (op.queryHeads, op.keyHeads) = (6, 3)
    let (q, k) = (random([2, 5, 24]), random([2, 7, 12], seed: 2))
    let v = random([2, 7, 15], seed: 3)
    try check(op, [q, k, v], outputs: 3)
    let past = [random([2, 3, 2, 4], seed: 4), random([2, 3, 2, 5], seed: 5)]
    try check(op, [q, k, v, nil] + past)
    let half = [q, k, v].map { Tensor(.float16, $0.shape, doubles: $0.doubles) }
    let made = try run(.attention(op), half)[0]
    let wanted = try op.compute(Operands(half))[0]
    #expect(zip(made.doubles, wanted.doubles).allSatisfy { abs($0 - $1) < 1e-3 })
  }

  @Test func scoresAndFloat64RunTheReference() throws {
    let (q, k) = (random([1, 2, 3, 4]), random([1, 2, 5, 4], seed: 2))
    let wide = [q, k, k].map { Tensor(.float64, $0.shape, doubles: $0.doubles) }
    for inputs in [[q, k, k], wide] {
      let wanted = try Attention().compute(Operands(inputs, outputCount: 4))
      #expect(try run(.attention(Attention()), inputs, outputs: 4) == wanted)
    }
  }

  @Test(arguments: [(false, 0), (true, 0), (false, 4), (true, 6)])
  func rotationsFollowTheReference(isInterleaved: Bool, rotated: Int) throws {
    var op = RotaryEmbedding()
    (op.isInterleaved, op.rotated) = (isInterleaved, rotated)
    let half = (rotated == 0 ? 8 : rotated) / 2
    let tables = [random([9, half], seed: 2), random([9, half], seed: 3)]
    let positions = Tensor((0..<10).map { Int64($0 * 5 % 9) }, shape: [2, 5])
    for shape in [[2, 3, 5, 8], [2, 5, 24]] {
      op.heads = shape.count == 3 ? 3 : nil
      let x = random(shape)
      let own = [random([2, 5, half], seed: 4), random([2, 5, half], seed: 5)]
      for inputs in [[x] + tables + [positions], [x] + own] {
        let made = try run(.rotaryEmbedding(op), inputs)[0]
        #expect(isClose(made, try op.compute(Operands(inputs))[0].doubles))
      }
    }
    var graph = Graph()
    let ids = [[1, 1, 1, 8], [9, half], [9, half]].enumerated().map {
      graph.addInput("x\($0)", TensorType(.float32, shape: $1))
    }
    let position = graph.addInput("positions", TensorType(.int64, shape: [1, 1]))
    graph.outputs = [
      try graph.add(.rotaryEmbedding(op), ids + [position], name: "y")
    ]
    let session = try Session(graph)
    #expect(throws: RuntimeError.self) {
      try session.run([random([1, 1, 1, 8])] + tables + [Tensor([Int64(9)], shape: [1, 1])])
    }
  }
}
